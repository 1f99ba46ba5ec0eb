#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

namespace testbab {

/// SIGINT and SIGTERM, taken by a thread of its own; blocked in every other one that starts later. Make it
/// before EAL. The first one asks for an orderly stop, which has kPatience; one that comes later ends the
/// process as usual, whatever it hangs in. (Some senders, timeout(1) among them, send two at once.)
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  /// Main thread. Sleeps so long, or until another signal comes; true once one came.
  bool wait(std::chrono::milliseconds time);

 private:
  static constexpr std::chrono::seconds kPatience{2};

  void listen();

  sigset_t set_;
  std::mutex mutex_;
  std::condition_variable another_;
  unsigned came_ = 0;  // guarded by mutex_
  unsigned seen_ = 0;  // main thread
  std::atomic<bool> over_{false};
  std::thread listener_;
};

}  // namespace testbab
