#pragma once

#include <bab/detail/build.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include <bab/detail/eal_use.hpp>
#include <bab/port/port.hpp>

namespace bab {

/// What happens to a port without anybody having asked.
enum class PortChange : std::uint8_t {
  kLinkDown,
  kLinkUp,
  kResetWanted,  ///< its driver asks for Port::reset(): until then nothing passes
  kRemoved,  ///< the device is going, or gone: all that is left is to stop and to destroy the port
};

/// Such as "link down".
std::string_view port_change_name(PortChange change) noexcept;

struct PortEvent {
  PortChange change;
  std::chrono::steady_clock::time_point at;  ///< when it was seen
  /// kLinkDown: frames sent since the link was last seen up. NICs take frames on a dead link and
  /// lose them, so these may not have gone.
  std::uint64_t doubtful_frames = 0;
};

/// Watches one port: its link, by the driver's interrupt where it has one and else by looking ten
/// times a second, its driver's wish for a reset, and its removal. There is no thread in here:
/// EAL's interrupt thread notes, poll() tells. While the link is down the port's TX queues take
/// nothing (TxQueue::hold()), so that frames wait and aren't lost.
///
/// For removal from a uio driver somebody must have called rte_dev_event_monitor_start(); vfio and
/// drivers that raise RTE_ETH_EVENT_INTR_RMV need nothing. All calls on the thread of the port's;
/// the port outlives it.
class PortWatch {
 public:
  using Clock = std::chrono::steady_clock;
  /// How often a link is looked at.
  static constexpr std::chrono::milliseconds kEvery{100};

  /// Throws Error: DPDK has no memory for a callback.
  explicit PortWatch(Port& port);
  PortWatch(const PortWatch&) = delete;
  PortWatch& operator=(const PortWatch&) = delete;
  ~PortWatch();

  /// What happened, one at a time and in order; nothing: that was all. As often as one likes, at
  /// least ten times a second. Of a port that is stopped the link isn't looked at.
  std::optional<PortEvent> poll(Clock::time_point now);

  [[nodiscard]] const Port& port() const noexcept { return port_; }
  /// As poll() last saw it.
  [[nodiscard]] bool link_is_down() const noexcept { return down_; }
  [[nodiscard]] bool removed() const noexcept { return removed_; }
  /// Since it watches; a link that came up again counts twice.
  [[nodiscard]] std::uint64_t link_changes() const noexcept { return link_changes_; }
  [[nodiscard]] const std::optional<PortEvent>& last_link_change() const noexcept { return last_; }

 private:
  /// What EAL's interrupt thread noted, until it is looked at.
  struct Noted {
    std::atomic<bool> link{false};       // it changed
    std::atomic<bool> link_down{false};  // it was down, perhaps for a moment
    std::atomic<bool> reset{false};
    std::atomic<bool> removed{false};
  };
  static int on_port_event(std::uint16_t id, rte_eth_event_type event, void* noted, void*);

  void watch();
  void unwatch() noexcept;
  void look(Clock::time_point now);
  void link_went(bool down, Clock::time_point now, std::uint64_t sent);

  detail::EalUse eal_;
  Port& port_;
  std::string device_;  // its name as EAL knows it; empty: it has none
  Noted noted_;
  unsigned starts_ = 0;  // of the port, when it was last looked at
  bool down_ = false;
  bool removed_ = false;
  std::uint64_t sent_ = 0;  // frames, when the link was last seen up
  std::uint64_t link_changes_ = 0;
  std::optional<PortEvent> last_;
  Clock::time_point next_look_{};
  std::deque<PortEvent> events_;
};

}  // namespace bab
