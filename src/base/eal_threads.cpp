#include "eal_threads.hpp"

#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <memory>
#include <system_error>
#include <thread>

#include <bab/detail/eal_args.hpp>

namespace bab::detail {
namespace {

/// A thread. When this object is destroyed, the thread has ended for the kernel as well: the kernel
/// counts a joined thread for a moment longer.
class ShortThread {
 public:
  template <class Work>
  explicit ShortThread(Work work)
      : id_(std::make_shared<pid_t>(0)), thread_([this_id = id_, work] {
          *this_id = gettid();
          work();
        }) {}
  ShortThread(ShortThread&&) = default;
  ShortThread& operator=(ShortThread&&) = delete;
  ~ShortThread() {
    if (!thread_.joinable()) return;
    thread_.join();
    const std::string task = "/proc/self/task/" + std::to_string(*id_);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    while (access(task.c_str(), F_OK) == 0 && std::chrono::steady_clock::now() < give_up)
      std::this_thread::yield();
  }

 private:
  std::shared_ptr<pid_t> id_;  // before the thread, which uses it
  std::thread thread_;
};

}  // namespace

std::size_t eal_threads(std::span<const std::string> args, std::size_t lcores) {
  // One for interrupts and, if processes share memory, one that talks to the other processes.
  const bool shares =
      keeps_files(args) && !has_option(args, "--no-shconf") && !has_option(args, "--in-memory");
  return (lcores > 0 ? lcores - 1 : 0) + 1 + (shares ? 1 : 0);
}

std::size_t threads_that_start(std::size_t wanted) {
  std::promise<void> end;
  const std::shared_future<void> ended(end.get_future());
  std::vector<ShortThread> threads;
  threads.reserve(wanted);
  try {
    while (threads.size() < wanted) threads.emplace_back([ended] { ended.wait(); });
  } catch (...) {  // no more can be started; the others wait for `end`
  }
  end.set_value();
  return threads.size();
}

std::vector<unsigned> usable_cpus() {
  std::vector<unsigned> cpus;
  try {
    // The kernel reduces the set of all CPUs to those of the cpuset. In a thread of its own: the
    // caller's affinity must not change.
    const ShortThread thread([&cpus] {
      cpu_set_t all;
      CPU_ZERO(&all);
      for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &all);
      (void)sched_setaffinity(0, sizeof all, &all);
      cpus = own_cpus();
    });
  } catch (const std::system_error&) {
    cpus = own_cpus();
  }
  return cpus;
}

std::vector<unsigned> own_cpus() {
  std::vector<unsigned> cpus;
  cpu_set_t own;
  CPU_ZERO(&own);
  if (sched_getaffinity(0, sizeof own, &own) == 0)
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &own)) cpus.push_back(cpu);
  return cpus;
}

}  // namespace bab::detail
