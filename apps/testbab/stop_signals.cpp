#include "stop_signals.hpp"

#include <pthread.h>

#include <optional>

namespace testbab {

StopSignals::StopSignals() {
  sigemptyset(&set_);
  sigaddset(&set_, SIGINT);
  sigaddset(&set_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  // A reader of our output that went away is an error of write(), not the end of the bus.
  std::signal(SIGPIPE, SIG_IGN);
  listener_ = std::thread([this] { listen(); });
}

StopSignals::~StopSignals() {
  over_.store(true);
  pthread_kill(listener_.native_handle(), SIGTERM);
  listener_.join();
}

void StopSignals::listen() {
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> first;
  while (true) {
    int signal = 0;
    if (sigwait(&set_, &signal) != 0 || over_.load()) return;
    const auto now = Clock::now();
    if (first && now - *first > kPatience) {
      std::signal(signal, SIG_DFL);
      pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
      raise(signal);
    }
    if (!first) first = now;
    const std::lock_guard lock(mutex_);
    ++came_;
    another_.notify_one();
  }
}

bool StopSignals::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  another_.wait_for(lock, time, [this] { return came_ != seen_; });
  seen_ = came_;
  return came_ > 0;
}

}  // namespace testbab
