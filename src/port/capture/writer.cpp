#include "writer.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <thread>

#include <rte_cycles.h>
#include <rte_lcore.h>

namespace bab::detail {
namespace {

constexpr unsigned kWriteBurst = 32;
using std::chrono::microseconds;
constexpr microseconds kShortNap{50}, kLongNap{1000};

}  // namespace

CaptureWriter::CaptureWriter(const Shared& shared)
    : s_(shared), clock_(rte_get_tsc_hz(), *TscWallClock::read(true)) {}

void give_way_to_lcores() noexcept {
  cpu_set_t mine, free;
  if (pthread_getaffinity_np(pthread_self(), sizeof mine, &mine) != 0) return;
  free = mine;
  unsigned lcore;
  RTE_LCORE_FOREACH_WORKER(lcore) {
    const rte_cpuset_t theirs = rte_lcore_cpuset(lcore);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &theirs)) CPU_CLR(cpu, &free);
  }
  if (CPU_COUNT(&free) > 0 && pthread_setaffinity_np(pthread_self(), sizeof free, &free) == 0)
    return;
  constexpr int kLowest = 19;  // about 1.5 % of a CPU that an lcore polls on
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kLowest);
}

/// One burst of every queue; false when there was none.
bool CaptureWriter::write_some() noexcept {
  bool any = false;
  std::array<rte_mbuf*, kWriteBurst> burst;
  if (const auto now = TscWallClock::read()) clock_.set(*now);
  for (const auto& q : s_.queues) {
    bool there = false;
    const unsigned n = q->pop(burst, clock_, there);
    any |= there;
    if (n == 0) continue;
    const std::span<rte_mbuf*> blocks(burst.data(), n);
    const bool failed_before = s_.error.load() != 0;
    if (!failed_before) s_.error.store(s_.file.write(blocks));
    if (s_.error.load() == 0) {
      s_.written.fetch_add(n, std::memory_order_relaxed);
    } else {
      q->failed(n);
      if (!failed_before)
        for (const auto& each : s_.queues) each->give_up();
    }
    CaptureQueue::give_back(blocks);
  }
  return any;
}

/// They are in the file of a disk that filled up, too, where they fit.
void CaptureWriter::write_counts() noexcept {
  std::vector<std::uint16_t> ports;
  for (const auto& q : s_.queues)
    if (std::find(ports.begin(), ports.end(), q->port()) == ports.end()) ports.push_back(q->port());
  for (const std::uint16_t port : ports) {
    std::uint64_t wanted = 0, dropped = 0;
    for (const auto& q : s_.queues)
      if (q->port() == port) {
        wanted += q->wanted();
        dropped += q->missed() + q->failed();
      }
    const int why = s_.file.write_counts(port, wanted, dropped);
    if (s_.error.load() == 0) s_.error.store(why);
  }
}

void CaptureWriter::run(const std::atomic<bool>& stopping) noexcept {
  microseconds nap = kShortNap;
  while (true) {
    // Looked at before the rings: what was in them by then is written.
    const bool last = stopping.load(std::memory_order_acquire);
    if (write_some()) {
      nap = kShortNap;
      continue;
    }
    if (last) break;
    std::this_thread::sleep_for(nap);
    nap = std::min(nap * 2, kLongNap);
  }
  write_counts();
}

}  // namespace bab::detail
