// rte_dev's events, unchanged since DPDK 18.11, are still marked experimental.
#define ALLOW_EXPERIMENTAL_API
#include <bab/port/port_watch.hpp>

#include <array>
#include <utility>

#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_pause.h>

#include <bab/base/error.hpp>

namespace bab {
namespace {

constexpr std::array kWatched{RTE_ETH_EVENT_INTR_LSC, RTE_ETH_EVENT_INTR_RESET,
                              RTE_ETH_EVENT_INTR_RMV};

/// On EAL's interrupt thread. `gone`: a watch's flag `removed`.
void on_device_event(const char*, rte_dev_event_type event, void* gone) {
  if (event == RTE_DEV_EVENT_REMOVE) static_cast<std::atomic<bool>*>(gone)->store(true);
}

std::string device_of(std::uint16_t id) {
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(id, &info) != 0 || info.device == nullptr) return "";
  return rte_dev_name(info.device);
}

std::uint64_t sent_by(Port& port) {
  std::uint64_t sum = 0;
  for (unsigned q = 0; q < port.tx_queues(); ++q) sum += port.tx(q).counters().frames;
  return sum;
}

}  // namespace

std::string_view port_change_name(PortChange change) noexcept {
  switch (change) {
    case PortChange::kLinkDown:
      return "link down";
    case PortChange::kLinkUp:
      return "link up";
    case PortChange::kResetWanted:
      return "reset wanted";
    case PortChange::kRemoved:
      return "removed";
  }
  return "unknown";
}

/// On EAL's interrupt thread.
int PortWatch::on_port_event(std::uint16_t id, rte_eth_event_type event, void* noted, void*) {
  Noted& to = *static_cast<Noted*>(noted);
  if (event == RTE_ETH_EVENT_INTR_RESET) to.reset.store(true);
  if (event == RTE_ETH_EVENT_INTR_RMV) to.removed.store(true);
  if (event != RTE_ETH_EVENT_INTR_LSC) return 0;
  rte_eth_link link{};
  if (rte_eth_link_get_nowait(id, &link) == 0 && link.link_status == RTE_ETH_LINK_DOWN)
    to.link_down.store(true);
  // R55: pairs with A55: link_down is seen with it.
  to.link.store(true);
  return 0;
}

PortWatch::PortWatch(Port& port)
    : eal_("watching a port"), port_(port), device_(device_of(port.id())) {
  try {
    watch();
  } catch (...) {
    unwatch();
    throw;
  }
}

PortWatch::~PortWatch() {
  if (detail::eal_is_there()) unwatch();
}

void PortWatch::watch() {
  const auto require = [&](int e) {
    if (e < 0)
      throw Error::from_code(
          fmt::format("port {} ({}): watching for its events", port_.id(), port_.name()), e);
  };
  for (rte_eth_event_type event : kWatched)
    require(rte_eth_dev_callback_register(port_.id(), event, on_port_event, &noted_));
  if (!device_.empty())
    require(rte_dev_event_callback_register(device_.c_str(), on_device_event, &noted_.removed));
}

/// For RTE_ETH_ALL and not for one port: this port may be closed already, and its number may be
/// another port's.
void PortWatch::unwatch() noexcept {
  // -EAGAIN: the callback is running just now.
  for (rte_eth_event_type event : kWatched)
    while (rte_eth_dev_callback_unregister(RTE_ETH_ALL, event, on_port_event, &noted_) == -EAGAIN)
      rte_pause();
  while (!device_.empty() && rte_dev_event_callback_unregister(device_.c_str(), on_device_event,
                                                               &noted_.removed) == -EAGAIN)
    rte_pause();
}

std::optional<PortEvent> PortWatch::poll(Clock::time_point now) {
  if (!removed_ && noted_.removed.load()) {
    removed_ = true;
    port_.hold(true);
    events_.push_back({PortChange::kRemoved, now});
  }
  if (!removed_ && noted_.reset.exchange(false)) events_.push_back({PortChange::kResetWanted, now});
  if (!removed_) look(now);
  if (events_.empty()) return std::nullopt;
  const PortEvent event = events_.front();
  events_.pop_front();
  return event;
}

void PortWatch::look(Clock::time_point now) {
  if (!port_.started()) return;
  if (starts_ != port_.starts()) {
    // A start waits for the link by itself; notes from before are old.
    starts_ = port_.starts();
    noted_.link_down.store(false);
    noted_.link.store(true);
  }
  // The note is read before the link: if the link changes now, either the note or the link shows
  // it.
  // A55: pairs with R55.
  const bool noted = noted_.link.exchange(false);
  if (!noted && now < next_look_) return;
  next_look_ = now + kEvery;
  const bool was_down = noted_.link_down.exchange(false);
  // Counted before the link is read: frames that go afterwards may meet a dead link.
  const std::uint64_t before = sent_by(port_);
  rte_eth_link link{};
  // A driver that can't tell its link's state is taken to send.
  const bool is_down =
      rte_eth_link_get_nowait(port_.id(), &link) == 0 && link.link_status == RTE_ETH_LINK_DOWN;
  port_.hold(is_down);  // then counted again: no more frames go
  const std::uint64_t sent = sent_by(port_);
  if (was_down && !is_down && !down_) link_went(true, now, sent);
  if (is_down != down_) link_went(is_down, now, sent);
  if (!is_down) sent_ = before;
}

void PortWatch::link_went(bool down, Clock::time_point now, std::uint64_t sent) {
  PortEvent event{down ? PortChange::kLinkDown : PortChange::kLinkUp, now};
  // If the counters began at 0 since then, all their frames count.
  if (down) event.doubtful_frames = sent >= sent_ ? sent - sent_ : sent;
  down_ = down;
  ++link_changes_;
  last_ = event;
  events_.push_back(event);
}

}  // namespace bab
