#include "stop_signals.hpp"

#include <pthread.h>

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
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  timespec t{};
  t.tv_sec = seconds.count();
  t.tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds).count();
  const int signal = sigtimedwait(&set_, nullptr, &t);
  if (signal <= 0) return came_;
  const auto now = std::chrono::steady_clock::now();
  if (came_ && now - came_at_ > kPatience) {
    pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
    raise(signal);
  }
  if (!came_) came_at_ = now;
  came_ = true;
  return came_;
}

}  // namespace testbab
