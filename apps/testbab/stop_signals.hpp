#pragma once

#include <chrono>
#include <csignal>

namespace testbab {

/// SIGINT and SIGTERM as something the main thread waits for: blocked in every thread that starts later.
/// Make it before EAL. The first one asks for an orderly stop, which has kPatience; one that comes later
/// ends the process as usual. (Some senders, timeout(1) among them, send two at once.)
class StopSignals {
 public:
  StopSignals();

  /// Sleeps so long, or until a signal came; true from then on.
  bool wait(std::chrono::milliseconds time);

 private:
  static constexpr std::chrono::seconds kPatience{2};

  sigset_t set_;
  bool came_ = false;
  std::chrono::steady_clock::time_point came_at_{};
};

}  // namespace testbab
