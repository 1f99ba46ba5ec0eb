#include "place.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

namespace bab::detail {
namespace {

/// Looks at idle times per second.
constexpr std::uint64_t kLooksPerSecond = 50;
/// The thread moves to an lcore only if this lcore is idle for that much more of its time.
constexpr double kWorthMoving = 0.05;

}  // namespace

WriterPlace::WriterPlace(std::span<const std::unique_ptr<CaptureQueue>> queues)
    : queues_(queues), lcore_(LCORE_ID_ANY), looked_(rte_get_tsc_cycles()), seen_(queues.size()) {
  if (pthread_getaffinity_np(pthread_self(), sizeof here_, &here_) != 0) return;
  // EAL gives this thread the process's CPUs without those of lcores; if lcores have all CPUs, it
  // gives only the main lcore's.
  allowed_ = here_;
  unsigned lcore;
  RTE_LCORE_FOREACH(lcore) {
    const rte_cpuset_t theirs = rte_lcore_cpuset(lcore);
    CPU_OR(&allowed_, &allowed_, &theirs);
  }
  choose_cpus();
}

void WriterPlace::look() noexcept {
  const std::uint64_t now = rte_get_tsc_cycles();
  const std::uint64_t since = now - looked_;
  if (CPU_COUNT(&allowed_) == 0 || since < rte_get_tsc_hz() / kLooksPerSecond) return;
  looked_ = now;
  choose_cpus();
  share_lcores();
  follow(since);
}

/// A worker lcore on which nothing was launched sleeps: its CPU is free.
cpu_set_t WriterPlace::free_cpus() const noexcept {
  cpu_set_t taken;
  CPU_ZERO(&taken);
  unsigned lcore;
  RTE_LCORE_FOREACH_WORKER(lcore) {
    if (rte_eal_get_lcore_state(lcore) == WAIT) continue;
    const rte_cpuset_t theirs = rte_lcore_cpuset(lcore);
    CPU_OR(&taken, &taken, &theirs);
  }
  CPU_AND(&taken, &taken, &allowed_);
  cpu_set_t free;
  CPU_XOR(&free, &allowed_, &taken);
  return free;
}

void WriterPlace::choose_cpus() noexcept {
  const cpu_set_t free = free_cpus();
  const bool was_shared = shared_;
  shared_ = CPU_COUNT(&free) == 0 || !move_to(free);
  if (!shared_) lcore_ = LCORE_ID_ANY;
  if (shared_ && !was_shared) (void)move_to(allowed_);
}

bool WriterPlace::move_to(const cpu_set_t& cpus) noexcept {
  if (CPU_EQUAL(&cpus, &here_)) return true;
  if (pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus) != 0) return false;
  here_ = cpus;
  return true;
}

/// Only queues with frames get a part of their lcore's idle time.
void WriterPlace::share_lcores() noexcept {
  std::array<std::uint32_t, RTE_MAX_LCORE> sharers{};
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    const unsigned lcore = queues_[i]->lcore();
    const std::uint64_t wanted = queues_[i]->wanted();
    if (lcore < sharers.size() && wanted != std::exchange(seen_[i].wanted, wanted))
      ++sharers[lcore];
  }
  for (const auto& q : queues_)
    if (q->lcore() < sharers.size()) q->set_sharers(std::max(1U, sharers[q->lcore()]));
}

void WriterPlace::follow(std::uint64_t since) noexcept {
  double most = 0, here = 0;
  unsigned best = LCORE_ID_ANY;
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    const std::uint64_t idle = queues_[i]->idle();
    const std::uint64_t idled = idle - std::exchange(seen_[i].idle, idle);
    // A queue's figure changes only when a frame comes, then perhaps by more than the time since
    // the last look.
    const double share = std::min(1.0, static_cast<double>(idled) / static_cast<double>(since));
    if (queues_[i]->lcore() == lcore_) here = std::max(here, share);
    if (share > most) {
      most = share;
      best = queues_[i]->lcore();
    }
  }
  if (!shared_ || best == LCORE_ID_ANY || best == lcore_ || most < here + kWorthMoving) return;
  const rte_cpuset_t theirs = rte_lcore_cpuset(best);
  cpu_set_t both;
  CPU_AND(&both, &theirs, &allowed_);
  if (CPU_COUNT(&both) > 0 && move_to(both)) lcore_ = best;
}

}  // namespace bab::detail
