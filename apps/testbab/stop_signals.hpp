#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

namespace testbab {

/// Takes SIGINT, SIGTERM and (unless it is ignored) SIGHUP by a thread of its own. They are blocked
/// in every other thread that starts later, so make the object before EAL. The first signal asks
/// for an orderly stop, which has kPatience. A later one ends the process as usual, whatever the
/// process waits for. (Some senders, such as timeout(1), send two at once.) At a prompt, SIGINT
/// only interrupts what is under way.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  /// Main thread. Sleeps for this time, or until a signal comes. True once a stop was asked for.
  bool wait(std::chrono::milliseconds time);
  /// Whether a stop was asked for, or there is an interrupt that nobody has taken.
  [[nodiscard]] bool pending() const { return stops_.load() > 0 || interrupts_.load() > 0; }

  /// From now on SIGINT asks for no stop. After one or more of them take_interrupt() is true once.
  void interrupts_only() { prompt_.store(true); }
  bool take_interrupt();

  /// For poll(2): readable if a signal came since the last wait().
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
