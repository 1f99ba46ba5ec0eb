#include "port_unit.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <string_view>

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_memzone.h>

#include <bab/base/error.hpp>
#include <bab/detail/port_claim.hpp>

#include "../port/device_info.hpp"

namespace bab::detail {

QueueClaim::QueueClaim(const std::string& label, std::uint16_t id, const char* kind,
                       std::uint16_t queue)
    : eal_(label) {
  std::array<char, RTE_ETH_NAME_MAX_LEN> device{};
  (void)rte_eth_dev_get_name_by_port(id, device.data());
  // A device's name may be longer than a memzone's.
  const std::string note =
      fmt::format("bab_{}{}_{:x}", kind, queue, std::hash<std::string_view>{}(device.data()));
  note_ = rte_memzone_reserve(note.c_str(), 1, SOCKET_ID_ANY, 0);
  if (note_ != nullptr) return;
  if (rte_errno == EEXIST)
    throw Error(fmt::format(
        "{}: its {} queue {} is in use by another Bus, and a queue can have only one user; end "
        "that one, or take another queue",
        label, kind, queue));
  throw Error::from_code(fmt::format("{}: marking {} queue {} as in use", label, kind, queue),
                         rte_errno);
}

QueueClaim::~QueueClaim() {
  if (eal_is_there()) (void)rte_memzone_free(note_);
}

PortUnit::PortUnit(const PortChoice& choice, const std::string& name, unsigned lcores,
                   std::uint32_t cache)
    : choice_(choice), lcores_(lcores), cache_(cache) {
  if (choice_.is_loopback)
    make_loopback();
  else
    choice_.id = choice.id;
  const std::string_view driver = device_info(choice_.id).driver_name;
  is_ring_ = driver == "net_ring";
  if (is_hosts())
    use_hosts(name);
  else
    make_own(name);
}

void PortUnit::make_loopback() {
  loopback_.emplace(std::max(options().rx_queues, options().tx_queues));
  choice_.id = loopback_->port_id();
}

/// A reader takes a burst of up to 32 frames, but no more than its backlog, and may hold the one
/// before. Any number of subscriptions may share the backlog, of which each has 1 at least.
std::uint32_t PortUnit::most_taken() const {
  constexpr std::uint32_t kBurst = 32;
  return std::min(options().backlog, kBurst * kMaxSubscriptions) +
         std::min(options().backlog, kMaxSubscriptions);
}

PoolNeeds PortUnit::needs(std::uint32_t held, std::uint32_t writing, bool receiving) const {
  return {.held = held,
          .lcores = lcores_,
          .cache = cache_,
          .writers = writing,
          .backlog = receiving ? options().backlog : 0,
          .reading = receiving ? most_taken() : 0,
          .extra = options().extra_buffers};
}

std::shared_ptr<BufferPool> PortUnit::make_pool(const std::string& name, const PoolPlan& plan,
                                                std::uint32_t data_room, bool receives) const {
  constexpr std::uint32_t kLeastRoom = RTE_MBUF_DEFAULT_BUF_SIZE;
  BufferPoolOptions o;
  o.name = name;
  o.buffers = plan.buffers;
  o.data_room = static_cast<std::uint16_t>(std::max(data_room, kLeastRoom));
  o.cache = cache_;
  o.lcores = lcores_;
  o.socket = rte_eth_dev_socket_id(choice_.id);
  o.receives = receives;
  return std::make_shared<BufferPool>(o);
}

PortOptions PortUnit::port_options() const {
  const BusPort& given = options();
  PortOptions o;
  o.id = choice_.id;
  o.rx_queues = given.rx_queues;
  o.tx_queues = given.tx_queues;
  if (loopback_) o.rx_queues = o.tx_queues = std::max(given.rx_queues, given.tx_queues);
  o.rx_descriptors = given.rx_descriptors;
  o.tx_descriptors = given.tx_descriptors;
  o.mtu = given.mtu;
  o.tx_checksum = given.tx_checksum;
  o.rx_checksum = given.rx_checksum;
  o.vlan = given.vlan;
  o.promiscuous = given.promiscuous;
  return o;
}

void PortUnit::make_own(const std::string& name) {
  const PortOptions o = port_options();
  const std::uint32_t room = Port::data_room(o.mtu);
  const std::uint32_t txd = loopback_ ? Loopback::kFrames : tx_descriptors(o.id, o.tx_descriptors);
  // What goes through rings is read in the very buffers that were sent.
  tx_plan_ = plan_pool(needs(o.tx_queues * txd, options().writers, is_ring_));
  tx_pool_ = make_pool(name + "tx", tx_plan_, room, loopback_.has_value());
  if (loopback_) {
    port_ = std::make_unique<Port>(o, *tx_pool_);
  } else {
    port_ = std::make_unique<Port>(o, [&](const RxPoolNeeds& wanted) {
      rx_pool_.reset();  // of an attempt that failed: it has the name
      rx_plan_ = plan_pool(needs(wanted.held, 0, true));
      rx_pool_ = make_pool(name + "rx", rx_plan_, wanted.data_room, true);
      if (wanted.data_room < room && !gathering_)
        gathering_ = make_pool(name + "gather", plan_pool(needs(0, 0, true)), room, false);
      return rx_pool_;
    });
  }
  mtu_ = port_->mtu();
  mac_ = port_->mac();
  offloads_ = port_->offloads();
  tx_owners_.resize(port_->tx_queues());
}

void PortUnit::use_hosts(const std::string& name) {
  const HostQueues queues = *options().host;
  // Refuses a device that a Port has. It isn't kept: several Buses may have queues of a host's
  // port.
  (void)PortClaim(choice_.id, label());
  hosts_rx_claim_.emplace(label(), choice_.id, "RX", queues.rx);
  hosts_tx_claim_.emplace(label(), choice_.id, "TX", queues.tx);
  std::uint16_t mtu = 0;
  if (const int e = rte_eth_dev_get_mtu(choice_.id, &mtu); e != 0)
    throw Error::from_code(fmt::format("{}: asking for its MTU", label()), e);
  mtu_ = mtu;
  rte_ether_addr mac{};
  if (const int e = rte_eth_macaddr_get(choice_.id, &mac); e != 0)
    throw Error::from_code(fmt::format("{}: asking for its address", label()), e);
  std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), mac_.begin());
  // The host chose the offloads: what it left to software is done here, and a NIC's word is
  // believed where there is one.
  offloads_.tx_udp = is_ring_ ? wire::ChecksumBy::kNone : wire::ChecksumBy::kSoftware;
  offloads_.rx = VerifyChecksums::kDeviceThenHere;
  rte_eth_txq_info tx{};
  const std::uint32_t txd =
      rte_eth_tx_queue_info_get(choice_.id, queues.tx, &tx) == 0 && tx.nb_desc > 0
          ? tx.nb_desc
          : tx_descriptors(choice_.id, 0);
  tx_plan_ = plan_pool(needs(txd, options().writers, is_ring_));
  tx_pool_ = make_pool(name + "tx", tx_plan_, Port::data_room(mtu_), is_ring_);
  // The host's mbufs are none of bab's: what they hold is copied.
  rx_plan_ = plan_pool(needs(0, 0, true));
  rx_pool_ = make_pool(name + "rx", rx_plan_, Port::data_room(mtu_), false);
  hosts_rx_.emplace_back(choice_.id, queues.rx);
  hosts_tx_.emplace_back(choice_.id, queues.tx, false, is_ring_, mtu_);
  tx_owners_.resize(1);
}

std::vector<const BufferPool*> PortUnit::pools() const {
  std::vector<const BufferPool*> all;
  for (const auto* pool : {&tx_pool_, &rx_pool_, &gathering_})
    if (*pool) all.push_back(pool->get());
  return all;
}

void PortUnit::complete(wire::FrameHeaderOptions& header) const {
  header.source_mac = mac_;
  header.ip_checksum = offloads_.tx_ip;
  header.udp_checksum = offloads_.tx_udp;
  header.vlan_tag = offloads_.tx_vlan;
}

FramerOptions PortUnit::framer_options() const {
  return {.checksums = offloads_.rx, .copies = gathering_ ? gathering_.get() : rx_pool_.get()};
}

TxQueue& PortUnit::tx(unsigned queue) noexcept {
  return is_hosts() ? hosts_tx_.front() : port_->tx(queue);
}

std::vector<RxQueue*> PortUnit::rx_queues() {
  std::vector<RxQueue*> all;
  for (RxQueue& queue : hosts_rx_) all.push_back(&queue);
  for (unsigned q = 0; port_ != nullptr && q < port_->rx_queues(); ++q)
    all.push_back(&port_->rx(q));
  return all;
}

std::uint64_t PortUnit::received_frames() const {
  std::uint64_t n = 0;
  for (const RxQueue& queue : hosts_rx_) n += queue.counters().frames;
  for (unsigned q = 0; port_ != nullptr && q < port_->rx_queues(); ++q)
    n += port_->rx(q).counters().frames;
  return n;
}

void PortUnit::close() noexcept {
  hosts_rx_claim_.reset();
  hosts_tx_claim_.reset();
  if (port_ == nullptr) return;
  if (is_memory_port(port_->driver())) port_->drain();
  port_->stop();
  port_.reset();
}

}  // namespace bab::detail
