#pragma once

#include <chrono>
#include <csignal>

namespace testbab {

/// SIGINT and SIGTERM as something the main thread waits for: blocked in every thread that starts later.
/// Make it before EAL. After the first signal a second one ends the process as usual.
class StopSignals {
 public:
  StopSignals();

  /// Sleeps so long, or until a signal came; true from then on.
  bool wait(std::chrono::milliseconds time);

 private:
  sigset_t set_;
  bool came_ = false;
};

}  // namespace testbab
