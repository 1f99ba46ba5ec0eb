#include <bab/port/port.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>
#include <bab/detail/eal_use.hpp>
#include <bab/memory/buffer_pool.hpp>

#include "device_info.hpp"
#include "driver_words.hpp"
#include "queue_limits.hpp"

namespace bab {
namespace {

using detail::device_info;

constexpr const char* kToAll = "receiving frames to all addresses (promiscuous mode)";
constexpr const char* kToItself =
    "only frames to its own address and broadcasts arrive; send to that address, or allow the mode "
    "and set it again";

std::string device_name(std::uint16_t id) {
  std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
  return rte_eth_dev_get_name_by_port(id, name.data()) == 0 ? name.data() : fmt::format("{}", id);
}

/// Whether the driver's link interrupt can be used. Once it is asked for, DPDK looks at the link in
/// no other way. In two drivers it does not always come (tried, 22.11). net_vmxnet3 never
/// acknowledges it: with a uio driver only the first one comes. net_e1000_em gives the 82574 no
/// vector for it: with vfio none comes.
bool tells_of_its_link(const rte_eth_dev_info& info) {
  const std::string_view driver = info.driver_name;
  return info.dev_flags != nullptr && (*info.dev_flags & RTE_ETH_DEV_INTR_LSC) != 0 &&
         driver != "net_vmxnet3" && driver != "net_e1000_em";
}

std::string existing_label(std::uint16_t id) {
  return fmt::format("port {} ({}, {})", id, device_name(id), device_info(id).driver_name);
}

}  // namespace

std::vector<std::string> pcap_files(std::uint16_t id) {
  return device_arguments(device_info(id), "tx_pcap");
}

std::string Port::label() const {
  return fmt::format("port {} ({}, {})", options_.id, name_, driver_);
}

std::uint16_t choose_descriptors(std::uint16_t asked, std::uint16_t preferred,
                                 std::uint16_t fallback, const rte_eth_desc_lim& limits) noexcept {
  std::uint32_t n = asked != 0 ? asked : preferred != 0 ? preferred : fallback;
  if (limits.nb_align != 0) n = (n + limits.nb_align - 1) / limits.nb_align * limits.nb_align;
  if (limits.nb_max != 0) n = std::min<std::uint32_t>(n, limits.nb_max);
  return static_cast<std::uint16_t>(
      std::clamp<std::uint32_t>(n, limits.nb_min, std::numeric_limits<std::uint16_t>::max()));
}

std::uint16_t tx_descriptors(std::uint16_t id, std::uint16_t asked) {
  const rte_eth_dev_info info = device_info(id);
  return choose_descriptors(asked, info.default_txportconf.ring_size,
                            RTE_ETH_DEV_FALLBACK_TX_RINGSIZE, info.tx_desc_lim);
}

std::string Port::tried(const std::string& what) const {
  return fmt::format("{}: {}", label(), what);
}

Port::Port(const PortOptions& options)
    : options_(options),
      claim_(options.id, existing_label(options.id)),
      name_(device_name(options.id)),
      counts_(options.id) {
  const rte_eth_dev_info info = device_info(options_.id);
  driver_ = info.driver_name;
  link_interrupt_ = tells_of_its_link(info);
  socket_ = rte_eth_dev_socket_id(options_.id);
  offloads_ = negotiate(info, name_, options_.tx_checksum, options_.rx_checksum, options_.vlan);
  const detail::QueueLimits most = detail::queue_limits(info);
  if (options_.rx_queues > most.rx || options_.tx_queues > most.tx)
    throw Error(
        tried(fmt::format(
            "{} RX and {} TX queues asked for, it has {} and {}{}; ask for fewer",
            options_.rx_queues, options_.tx_queues, most.rx, most.tx,
            most.driver_says_more
                ? fmt::format(" (its driver says {} and {}, but this NIC doesn't have them)",
                              info.max_rx_queues, info.max_tx_queues)
                : "")),
        Setting::kQueues);
  carrier_ = carrier_limits(info);
  require_mtu_in_range(info);
  if (options_.rx_queues > 1)
    rss_ = info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP);
}

// After the delegated constructor, the destructor cleans up when something throws.
Port::Port(const PortOptions& options, BufferPool& rx_pool) : Port(options) {
  require_fits(device_info(options_.id), rx_pool.data_room(),
               fmt::format("pool {} has", rx_pool.name()));
  set_up(rx_pool);
  become_promiscuous();
}

Port::Port(const PortOptions& options, const RxPoolMaker& make) : Port(options) {
  set_up_with(make);
  become_promiscuous();
}

void Port::become_promiscuous() {
  if (!options_.promiscuous || promiscuous()) return;
  const detail::DriverWords words;
  const int e = rte_eth_promiscuous_enable(options_.id);
  made_promiscuous_ = e == 0;
  if (e == 0 || e == -ENOTSUP) return;  // without the mode, the driver's ports receive what comes
  promiscuous_refusal_ = detail::refused_sentence(tried(kToAll), e, words, kToItself);
}

std::vector<std::string> Port::notes() const {
  std::vector<std::string> all = notes_;
  if (!promiscuous_refusal_.empty() && !promiscuous()) all.push_back(promiscuous_refusal_);
  return all;
}

void Port::require_mtu_in_range(const rte_eth_dev_info& info) const {
  if (options_.mtu < info.min_mtu || options_.mtu > info.max_mtu)
    throw Error(tried(fmt::format("MTU {} asked for, it takes {} to {}", options_.mtu, info.min_mtu,
                                  info.max_mtu)),
                Setting::kMtu);
  if (carrier_) require_mtu(*carrier_, options_.mtu, label());
}

void Port::require_fits(const rte_eth_dev_info& info, std::uint32_t room,
                        const std::string& have) const {
  require_mtu_in_range(info);
  if (const std::uint32_t least = RTE_PKTMBUF_HEADROOM + info.min_rx_bufsize; room < least)
    throw Error(tried(fmt::format(
        "it needs receive buffers of {0} bytes or more, {1} {2}; give it {0}", least, have, room)));
  if (const std::uint32_t need = rx_data_room(options_.id, options_.mtu);
      room < need && !can_split(info))
    throw Error(
        tried(fmt::format("an MTU of {0} needs buffers of {1} bytes, {2} {3}; give it {1}, or a "
                          "lower MTU",
                          options_.mtu, need, have, room)));
}

void Port::set_up(BufferPool& rx_pool, bool splitting_will_do) {
  const bool holds_frames = rx_pool.data_room() >= rx_data_room(options_.id, options_.mtu);
  try {
    configure(!holds_frames);
    set_up_to_receive_into(rx_pool);
  } catch (const Error&) {
    // Some drivers want a few bytes more than the frame, unless they may split it.
    const bool can = can_split(device_info(options_.id));
    if (!splitting_will_do || !holds_frames || !can) throw;
    try {
      configure(true);
      set_up_to_receive_into(rx_pool);
      return;
    } catch (const Error&) {
    }
    throw;
  }
}

void Port::set_up_to_receive_into(BufferPool& rx_pool) {
  const std::uint32_t before = rx_pool.available();
  set_up_queues(rx_pool);
  if (rx_pool_ != nullptr && rx_pool_ != &rx_pool) note_older(*rx_pool_);
  rx_pool_ = &rx_pool;
  taken_at_set_up_ = before - std::min(before, rx_pool.available());
  rx_buffers_ = {};
  rx_buffers_.held = held_;
  note_rx_buffers(false);
}

std::uint32_t Port::rx_data_room(std::uint16_t id, std::uint32_t mtu) {
  const std::uint32_t frame = data_room(mtu);
  const auto carrier = carrier_limits(device_info(id));
  return carrier ? std::max(frame, RTE_PKTMBUF_HEADROOM + carrier->rx_bytes) : frame;
}

void Port::begin_start() {
  if (started_) return;
  start_device();
  awaits_link_ = true;
}

void Port::start(const std::function<bool()>& give_up) {
  begin_start();
  if (!std::exchange(awaits_link_, false)) return;
  const bool had_interrupt = link_interrupt_;
  const unsigned seconds = longest_link_wait_s();
  Link link = await_link(had_interrupt ? kInterruptWaitS : seconds, give_up);
  if (link == Link::kDown && had_interrupt) {
    // Perhaps the interrupt doesn't get through (not every platform passes it on): the link would
    // look as it did at the start. The port is started again without the interrupt. This is the
    // last resort, since the NIC then negotiates with its peer anew, which takes seconds.
    stop();
    link_interrupt_ = false;
    set_up_again();
    start_device();
    link = await_link(seconds - kInterruptWaitS, give_up);
  }
  if (link != Link::kDown) return;
  stop();
  if (had_interrupt) {  // the interrupt was not the reason
    link_interrupt_ = true;
    set_up_again();
  }
  throw Error(tried(
      fmt::format("the link stayed down for {} s; check the cable or bring its peer up", seconds)));
}

Port::Link Port::await_link(unsigned seconds, const std::function<bool()>& give_up) const {
  rte_eth_link link{};
  for (unsigned i = 0; i < 10 * seconds; ++i) {
    if (rte_eth_link_get_nowait(options_.id, &link) != 0 || link.link_status != 0) return Link::kUp;
    if (give_up && give_up()) return Link::kGivenUp;
    rte_delay_us_sleep(100'000);
  }
  return Link::kDown;
}

void Port::start_device() {
  assert(!detail::eal_is_a_parents() && "a port was used in a child of fork()");
  // Before the driver fails with a less clear message.
  if (tried_held_)
    require_at_hand(*tried_held_, rx_pool_->size() - std::min(rx_pool_->size(), *tried_held_));
  rte_eth_stats stopped{};
  const bool counts = counts_.read(stopped);
  const AfterStart after = start_and_measure();
  if (counts) exclude_others(stopped);
  started_ = true;
  try {
    if (after.held) require_at_hand(*after.held, after.left);
  } catch (...) {
    stop();
    throw;
  }
  ++starts_;
  tx_completion_ = find_tx_completion(options_.id, driver_);
  begin_tx_account(0);
  for (TxQueue& q : tx_) {
    q.hold(false);
    q.port_is_started(true, tx_completion_);
  }
}

/// Sets the device up with new queues, but keeps the queue objects: references stay valid, and
/// their counters and captures stay.
void Port::set_up_again() {
  std::vector<RxQueue> rx = std::move(rx_);
  std::vector<TxQueue> tx = std::move(tx_);
  const auto keep = [&] {
    rx_ = std::move(rx);
    tx_ = std::move(tx);
  };
  try {
    set_up(*rx_pool_);
  } catch (...) {
    keep();
    throw;
  }
  keep();
}

void Port::reset() {
  stop();
  // A driver without a reset is configured anew, as far as it can.
  if (int e = rte_eth_dev_reset(options_.id); e != 0 && e != -ENOTSUP)
    throw Error::from_code(tried("resetting"), e, "destroy the port, and make it again");
  set_up_again();
}

void Port::hold(bool held) noexcept {
  for (TxQueue& q : tx_) q.hold(held);
}

void Port::stop() noexcept {
  if (!started_) return;
  unsent_at_stops_ += await_sent();
  started_ = false;
  awaits_link_ = false;
  for (TxQueue& q : tx_) q.port_is_started(false);
  linger();
  (void)rte_eth_dev_stop(options_.id);
  note_stopped();
}

void Port::note_stopped() noexcept {
  rte_eth_stats now{};
  at_stop_.reset();
  if (counts_.read(now)) at_stop_ = now;
}

/// Waits for the peer of a net_memif port. A stop takes the rings away, and frames that the peer
/// hasn't read are lost; the driver can't tell how far the peer has read. So a peer that lags by a
/// few time slices of its CPU gets some time.
void Port::linger() const noexcept {
  constexpr int kTries = 50;
  constexpr unsigned kEachUs = 10'000;
  const bool sent =
      std::any_of(tx_.begin(), tx_.end(), [](const TxQueue& q) { return q.counters().frames > 0; });
  if (driver_ != "net_memif" || !sent) return;
  rte_eth_link link{};
  for (int i = 0; i < kTries; ++i) {
    if (rte_eth_link_get_nowait(options_.id, &link) != 0 || link.link_status == 0) return;
    rte_delay_us_sleep(kEachUs);
  }
}

Port::~Port() {
  if (!claim_.holds() || !touched_) return;
  // Otherwise a host interface would stay in promiscuous mode.
  if (made_promiscuous_) (void)rte_eth_promiscuous_disable(options_.id);
  stop();
  (void)rte_eth_dev_close(options_.id);
}

std::uint64_t Port::drain() noexcept {
  // A limit for ports whose peer keeps sending; no ring or NIC queue holds more.
  constexpr std::uint64_t kMax = 65'536;
  std::array<rte_mbuf*, 64> burst;
  std::uint64_t total = 0;
  for (RxQueue& queue : rx_) {
    std::uint64_t n = 0;
    while (unsigned got = queue.receive(burst)) {
      BufferPool::release(std::span(burst).first(got));
      if ((n += got) >= kMax) break;
    }
    total += n;
  }
  return total;
}

void Port::reclaim() noexcept {
  for (TxQueue& q : tx_) q.reclaim();
}

bool Port::promiscuous() const noexcept { return rte_eth_promiscuous_get(options_.id) == 1; }

void Port::set_promiscuous(bool on) {
  if (on == promiscuous()) return;
  if (int e =
          on ? rte_eth_promiscuous_enable(options_.id) : rte_eth_promiscuous_disable(options_.id);
      e != 0)
    throw Error::from_code(tried(on ? kToAll : "receiving frames to its own address only"), e,
                           on ? kToItself : "frames to other addresses arrive as well");
  made_promiscuous_ = on;
}

wire::MacAddress Port::mac() const noexcept {
  rte_ether_addr address{};
  (void)rte_eth_macaddr_get(options_.id, &address);
  wire::MacAddress mac;
  std::memcpy(mac.data(), address.addr_bytes, mac.size());
  return mac;
}

PortStats Port::stats() const noexcept {
  assert(!detail::eal_is_a_parents() && "a port was used in a child of fork()");
  rte_eth_stats s{};
  (void)counts_.read(s);
  // A driver with a long queue can go on receiving for a while: it lacks buffers before a short
  // burst shows that.
  if (s.rx_nombuf > std::exchange(nombuf_seen_, s.rx_nombuf) && rx_pool_ != nullptr)
    rx_pool_->announce_need();
  QueueCounters rx, tx;
  for (const RxQueue& q : rx_) {
    rx.frames += q.counters().frames;
    rx.bytes += q.counters().bytes;
  }
  for (const TxQueue& q : tx_) {
    tx.frames += q.counters().frames;
    tx.bytes += q.counters().bytes;
  }
  // A driver that counts failures counts sent frames, too, even if none were sent.
  const bool counts_sent = s.opackets > 0 || s.oerrors > 0;
  // A driver's count may begin at 0 when it is started.
  const auto since = [](std::uint64_t now, std::uint64_t then) {
    return now >= then ? now - then : now;
  };
  // Some drivers count no bytes.
  const auto or_ours = [&](std::uint64_t theirs, std::uint64_t then, std::uint64_t ours) {
    return theirs != 0 ? since(theirs, then) : ours;
  };
  return {or_ours(s.ipackets, cleared_.ipackets, rx.frames),
          or_ours(s.ibytes, cleared_.ibytes, rx.bytes),
          counts_sent ? since(s.opackets, cleared_.opackets) : std::uint64_t{tx.frames},
          or_ours(s.obytes, cleared_.obytes, tx.bytes),
          since(s.imissed, cleared_.imissed),
          since(s.rx_nombuf, cleared_.rx_nombuf),
          since(s.ierrors, cleared_.ierrors),
          since(s.oerrors, cleared_.oerrors)};
}

void Port::clear_stats() noexcept {
  const std::uint64_t unsent = tx_account().unsent;
  rte_eth_stats now{};
  const bool counts = counts_.read(now) && now.ipackets > 0;
  // A frame that comes meanwhile belongs to the next account: frames came all the time.
  const std::uint64_t waiting = started_ && counts ? untaken(now.ipackets) : 0;
  rx_base_ = {waiting, 0, 0};
  cleared_ = now;
  if (!started_) note_stopped();
  for (RxQueue& q : rx_) q.clear_counters();
  for (TxQueue& q : tx_) q.clear_counters();
  begin_tx_account(unsent);
  unsent_at_stops_ = 0;
}

DropCounters Port::drops(const PortStats& s) const noexcept {
  DropCounters drops;
  drops.add(Drop::kRxMissed, s.rx_missed);
  drops.add(Drop::kRxNombuf, s.rx_nombuf);
  drops.add(Drop::kRxErrors, s.rx_errors);
  // Some drivers count a frame that they didn't take as failed, each time that it is offered.
  const std::uint64_t given_in_all = given() + tx_base_.carried;
  drops.add(Drop::kTxErrors,
            std::min(s.tx_errors, given_in_all - std::min(given_in_all, s.tx_frames)));
  drops.add(Drop::kTxUnsent, unsent_at_stops_);
  for (const TxQueue& q : tx_) drops += q.drops();
  return drops;
}

}  // namespace bab
