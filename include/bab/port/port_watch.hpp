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

/// Changes of a port that nobody asked for.
enum class PortChange : std::uint8_t {
  kLinkDown,
  kLinkUp,
  kResetWanted,  ///< the driver asks for Port::reset(); until then no frame passes
  kRemoved,      ///< the device is going or gone: only stop and destroy the port now
};

/// The change's name, such as "link down".
std::string_view port_change_name(PortChange change) noexcept;

struct PortEvent {
  PortChange change;
  std::chrono::steady_clock::time_point at;  ///< when it was seen
  /// kLinkDown: frames sent since the link was last seen up. They may be lost, since NICs take
  /// frames while the link is down and lose them.
  std::uint64_t doubtful_frames = 0;
};

/// Watches one port: its link, resets that its driver asks for, and its removal. The link is
/// watched by the driver's interrupt if there is one, and else by a look ten times a second. The
/// watch has no thread of its own: EAL's interrupt thread notes events, and poll() reports them.
/// While the link is down, the port's TX queues take nothing (TxQueue::hold()), so that frames wait
/// instead of getting lost.
///
/// To notice the removal of a device with a uio driver, the application must have called
/// rte_dev_event_monitor_start(); vfio, and drivers that raise RTE_ETH_EVENT_INTR_RMV, need
/// nothing. All calls on the thread that uses the port; the port outlives the watch.
class PortWatch {
 public:
  using Clock = std::chrono::steady_clock;
  /// Time between two looks at a link.
  static constexpr std::chrono::milliseconds kEvery{100};

  /// Throws Error: DPDK has no memory for a callback.
  explicit PortWatch(Port& port);
  PortWatch(const PortWatch&) = delete;
  PortWatch& operator=(const PortWatch&) = delete;
  ~PortWatch();

  /// The next event, in order; nothing: there is no more. Call it at least ten times a second, and
  /// until it gives nothing. The link of a stopped port is not looked at.
  std::optional<PortEvent> poll(Clock::time_point now);

  [[nodiscard]] const Port& port() const noexcept { return port_; }
  /// As poll() last saw it.
  [[nodiscard]] bool link_is_down() const noexcept { return down_; }
  [[nodiscard]] bool removed() const noexcept { return removed_; }
  /// Changes of the link since the watch began; down and up again counts twice.
  [[nodiscard]] std::uint64_t link_changes() const noexcept { return link_changes_; }
  [[nodiscard]] const std::optional<PortEvent>& last_link_change() const noexcept { return last_; }

 private:
  /// Events that EAL's interrupt thread noted and poll() has not looked at.
  struct Noted {
    std::atomic<bool> link{false};       // the link changed
    std::atomic<bool> link_down{false};  // the link was down, perhaps for a moment only
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
  std::string device_;  // its name in EAL; empty: it has none
  Noted noted_;
  unsigned starts_ = 0;  // Port::starts() at the last look
  bool down_ = false;
  bool removed_ = false;
  std::uint64_t sent_ = 0;  // frames sent when the link was last seen up
  std::uint64_t link_changes_ = 0;
  std::optional<PortEvent> last_;
  Clock::time_point next_look_{};
  std::deque<PortEvent> events_;
};

}  // namespace bab
