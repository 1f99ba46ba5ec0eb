#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

namespace testbab {

/// SIGINT, SIGTERM and (unless it is ignored) SIGHUP, taken by a thread of its own; blocked in
/// every other one that starts later. Make it before EAL. The first one asks for an orderly stop,
/// which has kPatience; one that comes later ends the process as usual, whatever it hangs in. (Some
/// senders, timeout(1) among them, send two at once.) At a prompt SIGINT interrupts what is under
/// way instead.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  /// Main thread. Sleeps so long, or until another signal comes; true once a stop was asked for.
  bool wait(std::chrono::milliseconds time);
  /// A stop was asked for, or an interrupt that nobody has taken.
  [[nodiscard]] bool pending() const { return stops_.load() > 0 || interrupts_.load() > 0; }

  /// From now on SIGINT asks for no stop: take_interrupt() is true once for those that came since.
  void interrupts_only() { prompt_.store(true); }
  bool take_interrupt();

  /// For poll(2): readable when a signal came since the last wait().
  [[nodiscard]] int fd() const { return event_; }

 private:
  static constexpr std::chrono::seconds kPatience{2};

  void listen();

  sigset_t set_;
  int event_;
  std::atomic<unsigned> stops_{0};
  std::atomic<unsigned> interrupts_{0};
  std::atomic<bool> prompt_{false};
  std::atomic<bool> over_{false};
  std::thread listener_;
};

}  // namespace testbab
