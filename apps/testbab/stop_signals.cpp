#include "stop_signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include <bab/base/error.hpp>

namespace testbab {

StopSignals::StopSignals() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_ < 0) throw bab::Error::from_code("making an eventfd for signals", errno);
  sigemptyset(&set_);
  sigaddset(&set_, SIGINT);
  sigaddset(&set_, SIGTERM);
  // For nohup: sigwait() gives a blocked signal even if it is ignored.
  struct sigaction hangup {};
  if (sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
    sigaddset(&set_, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  try {
    listener_ = std::thread([this] { listen(); });
  } catch (const std::system_error& e) {
    throw bab::Error(
        fmt::format("starting the thread that waits for signals: {}; raise the number of processes "
                    "(ulimit -u, the container's pids limit)",
                    e.code().message()));
  }
}

StopSignals::~StopSignals() {
  over_.store(true);
  pthread_kill(listener_.native_handle(), SIGTERM);
  listener_.join();
  close(event_);
}

void StopSignals::listen() {
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> first;  // of the signals that nobody has answered
  while (true) {
    int signal = 0;
    if (sigwait(&set_, &signal) != 0 || over_.load()) return;
    const auto now = Clock::now();
    if (!pending()) first.reset();
    if (first && now - *first > kPatience) {
      std::signal(signal, SIG_DFL);
      pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
      raise(signal);
    }
    if (!first) first = now;
    ++(signal == SIGINT && prompt_.load() ? interrupts_ : stops_);
    const std::uint64_t one = 1;
    (void)!write(event_, &one, sizeof one);
  }
}

bool StopSignals::wait(std::chrono::milliseconds time) {
  pollfd event{event_, POLLIN, 0};
  if (poll(&event, 1, static_cast<int>(time.count())) > 0) {
    std::uint64_t count = 0;
    (void)!read(event_, &count, sizeof count);
  }
  return stops_.load() > 0;
}

bool StopSignals::take_interrupt() { return interrupts_.exchange(0) > 0; }

}  // namespace testbab
