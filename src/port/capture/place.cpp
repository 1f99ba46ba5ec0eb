#include "place.hpp"

#include <pthread.h>

#include <algorithm>
#include <cstddef>

#include <rte_cycles.h>
#include <rte_lcore.h>

namespace bab::detail {
namespace {

/// Between two looks at who is idle.
constexpr std::uint64_t kLooksPerSecond = 50;
/// An lcore must have so much more of its time idle to be moved to.
constexpr double kWorthMoving = 0.05;

}  // namespace

WriterPlace::WriterPlace(std::span<const std::unique_ptr<CaptureQueue>> queues)
    : queues_(queues), lcore_(LCORE_ID_ANY), looked_(rte_get_tsc_cycles()), idle_(queues.size()) {
  if (pthread_getaffinity_np(pthread_self(), sizeof allowed_, &allowed_) != 0) return;
  cpu_set_t free = allowed_;
  unsigned lcore;
  RTE_LCORE_FOREACH_WORKER(lcore) {
    const rte_cpuset_t theirs = rte_lcore_cpuset(lcore);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &theirs)) CPU_CLR(cpu, &free);
  }
  shared_ =
      CPU_COUNT(&free) == 0 || pthread_setaffinity_np(pthread_self(), sizeof free, &free) != 0;
}

void WriterPlace::follow() noexcept {
  const std::uint64_t now = rte_get_tsc_cycles();
  const std::uint64_t since = now - looked_;
  if (!shared_ || since < rte_get_tsc_hz() / kLooksPerSecond) return;
  looked_ = now;
  double most = 0, here = 0;
  unsigned best = LCORE_ID_ANY;
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    const std::uint64_t idle = queues_[i]->idle();
    const double share = static_cast<double>(idle - idle_[i]) / static_cast<double>(since);
    idle_[i] = idle;
    if (queues_[i]->lcore() == lcore_) here = std::max(here, share);
    if (share > most) {
      most = share;
      best = queues_[i]->lcore();
    }
  }
  if (best == LCORE_ID_ANY || best == lcore_ || most < here + kWorthMoving) return;
  const rte_cpuset_t theirs = rte_lcore_cpuset(best);
  cpu_set_t both;
  CPU_AND(&both, &theirs, &allowed_);
  if (CPU_COUNT(&both) > 0 && pthread_setaffinity_np(pthread_self(), sizeof both, &both) == 0)
    lcore_ = best;
}

}  // namespace bab::detail
