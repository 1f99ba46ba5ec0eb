#include "stop_signals.hpp"

#include <pthread.h>

#include <thread>

namespace testbab {

StopSignals::StopSignals() {
  sigemptyset(&set_);
  sigaddset(&set_, SIGINT);
  sigaddset(&set_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  // A reader of our output that went away is an error of write(), not the end of the bus.
  std::signal(SIGPIPE, SIG_IGN);
}

bool StopSignals::wait(std::chrono::milliseconds time) {
  if (came_) {
    std::this_thread::sleep_for(time);
    return true;
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  timespec t{};
  t.tv_sec = seconds.count();
  t.tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds).count();
  if (sigtimedwait(&set_, nullptr, &t) > 0) {
    came_ = true;
    pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
  }
  return came_;
}

}  // namespace testbab
