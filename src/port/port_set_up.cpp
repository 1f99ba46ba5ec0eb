// How a Port's device gets its configuration and its queues.
#include <cerrno>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>
#include <bab/port/port.hpp>

#include "device_info.hpp"
#include "driver_words.hpp"

namespace bab {
namespace detail {

rte_eth_dev_info device_info(std::uint16_t id) {
  rte_eth_dev_info info{};
  if (int e = rte_eth_dev_info_get(id, &info); e != 0)
    throw Error::from_code(fmt::format("asking port {} what it can do", id), e);
  return info;
}

bool is_nic(const rte_eth_dev_info& info) {
  return info.device != nullptr &&
         std::string_view(rte_bus_name(rte_dev_bus(info.device))) != "vdev";
}

}  // namespace detail

namespace {

using detail::device_info;
using detail::DriverWords;
using detail::refused_sentence;

constexpr std::string_view kMoreMemory =
    "use fewer or shorter queues, or give more memory (EAL's -m, or more hugepages)";

/// The mend for an MTU that a driver refuses: some drivers tell the longest frame, but not the
/// largest MTU.
std::string mtu_mend(const rte_eth_dev_info& info) {
  constexpr std::uint32_t kHeaderAndCrc = wire::kEthernetBytes + wire::kCrcBytes;
  if (info.max_mtu != std::numeric_limits<std::uint16_t>::max() ||
      info.max_rx_pktlen <= kHeaderAndCrc || info.max_rx_pktlen > info.max_mtu)
    return "ask for an MTU that the interface carries";
  return fmt::format("ask for {} or less", info.max_rx_pktlen - kHeaderAndCrc);
}

}  // namespace

void Port::configure(bool may_split) {
  touched_ = true;
  rte_eth_conf conf{};
  std::uint32_t mtu = 0;
  conf.rxmode.mtu = options_.mtu;
  conf.rxmode.offloads = offloads_.rx_flags;
  if (may_split)
    conf.rxmode.offloads |= device_info(options_.id).rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
  conf.txmode.offloads = offloads_.tx_flags;
  conf.intr_conf.lsc = link_interrupt_ ? 1 : 0;
  if (rss_ != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = rss_;
  }
  const auto configure = [&] {
    return rte_eth_dev_configure(options_.id, options_.rx_queues, options_.tx_queues, &conf);
  };
  const DriverWords words;
  int e = configure();
  if (e == -EINVAL) {
    conf.rxmode.mtu = 0;
    e = configure();
    if (e == 0 && carrier_) {
      // net_af_packet and net_memif refuse an MTU above 1500; what they carry was checked before.
      mtu = options_.mtu;
    } else if (e == 0) {
      // Some drivers take a larger MTU only from set_mtu.
      e = rte_eth_dev_set_mtu(options_.id, static_cast<std::uint16_t>(options_.mtu));
      if (e != 0)
        throw Error(refused_sentence(tried(fmt::format("setting MTU {}", options_.mtu)), e, words,
                                     mtu_mend(device_info(options_.id))));
    }
  }
  if (e != 0)
    throw Error(refused_sentence(
        tried(fmt::format("configuring {} RX and {} TX queues", options_.rx_queues,
                          options_.tx_queues)),
        e, words,
        e == -ENOMEM ? kMoreMemory : "ask for one queue of each, which any driver takes"));
  if (mtu == 0) mtu = read_mtu();
  const rte_eth_dev_info info = device_info(options_.id);
  const auto choose = [&](std::uint16_t& asked, std::uint16_t preferred, std::uint16_t fallback,
                          const rte_eth_desc_lim& limits, std::string_view which) {
    const std::uint16_t n = choose_descriptors(asked, preferred, fallback, limits);
    if (asked != 0 && asked != n)
      notes_.push_back(tried(fmt::format(
          "{} {} descriptors asked for, a queue takes {} to {}{}; it has {}", asked, which,
          limits.nb_min, limits.nb_max,
          limits.nb_align > 1 ? fmt::format(" in steps of {}", limits.nb_align) : "", n)));
    asked = n;
  };
  choose(options_.rx_descriptors, info.default_rxportconf.ring_size,
         RTE_ETH_DEV_FALLBACK_RX_RINGSIZE, info.rx_desc_lim, "RX");
  choose(options_.tx_descriptors, info.default_txportconf.ring_size,
         RTE_ETH_DEV_FALLBACK_TX_RINGSIZE, info.tx_desc_lim, "TX");
  mtu_ = mtu;
}

std::uint32_t Port::read_mtu() const {
  std::uint16_t mtu = 0;
  if (int e = rte_eth_dev_get_mtu(options_.id, &mtu); e != 0)
    throw Error::from_code(tried("reading the MTU back"), e);
  if (mtu != options_.mtu)
    throw Error(tried(fmt::format("MTU {} asked for, the device says {}", options_.mtu, mtu)));
  return mtu;
}

void Port::set_up_queues(BufferPool& rx_pool) {
  const auto socket = static_cast<unsigned>(socket_);
  std::vector<RxQueue> rx;
  std::vector<TxQueue> tx;
  const DriverWords words;
  for (std::uint16_t q = 0; q < options_.rx_queues; ++q) {
    if (int e = rte_eth_rx_queue_setup(options_.id, q, options_.rx_descriptors, socket, nullptr,
                                       rx_pool.mempool());
        e != 0)
      throw Error(refused_sentence(
          tried(fmt::format("setting up RX queue {} of {} descriptors, with buffers of {} bytes", q,
                            options_.rx_descriptors, rx_pool.data_room())),
          e, words,
          e == -ENOMEM ? kMoreMemory
                       : "leave the buffer size and the number of descriptors at their defaults"));
    rx.emplace_back(options_.id, q, &rx_pool);
  }
  for (std::uint16_t q = 0; q < options_.tx_queues; ++q) {
    if (int e = rte_eth_tx_queue_setup(options_.id, q, options_.tx_descriptors, socket, nullptr);
        e != 0)
      throw Error(refused_sentence(
          tried(
              fmt::format("setting up TX queue {} of {} descriptors", q, options_.tx_descriptors)),
          e, words, e == -ENOMEM ? kMoreMemory : "leave the number of descriptors at its default"));
    tx.emplace_back(options_.id, q, offloads_.tx_flags != 0, driver_ == "net_ring", mtu_,
                    options_.tx_descriptors);
  }
  rx_ = std::move(rx);
  tx_ = std::move(tx);
}

}  // namespace bab
