#include "writer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <thread>

#include <rte_cycles.h>

namespace bab::detail {
namespace {

constexpr unsigned kWriteBurst = 32;
using std::chrono::microseconds;
constexpr microseconds kShortNap{50}, kLongNap{1000};
/// Two context switches, the timer, and cold caches.
constexpr std::uint64_t kWakingNs = 5'000;
/// CPU time of the thread costs the lcore this much more: caches are cold afterwards, and a peer
/// waits meanwhile.
constexpr double kDearer = 1.5;
/// If there is always something to write.
constexpr std::uint64_t kAccountsPerSecond = 200;

std::uint64_t cpu_ns() noexcept {
  timespec t{};
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec);
}

}  // namespace

CaptureWriter::CaptureWriter(const Shared& shared)
    : s_(shared), clock_(rte_get_tsc_hz(), *TscWallClock::read(true)) {
  if (!s_.gives_way) return;
  source_.emplace(s_.queues);
  spent_ns_ = cpu_ns();
  publish_cost();
}

/// The cost is 0 if the thread uses no lcore's CPU.
void CaptureWriter::publish_cost() noexcept {
  const double cycles =
      is_shared() ? kDearer * cost_.ns() * 1e-9 * static_cast<double>(rte_get_tsc_hz()) : 0;
  for (const auto& q : s_.queues) q->set_write_cost(static_cast<std::uint64_t>(cycles));
}

/// Notes the CPU time of what was written since the last call.
void CaptureWriter::account(std::uint64_t waking_ns) noexcept {
  const std::uint64_t spent = cpu_ns();
  cost_.add(frames_, spent - spent_ns_ + waking_ns);
  spent_ns_ = spent;
  frames_ = 0;
  accounted_ = rte_get_tsc_cycles();
  publish_cost();
}

/// Acts by time, whether there is something to write or not.
void CaptureWriter::look() noexcept {
  if (!source_) return;
  const bool was_shared = source_->shared();
  source_->look();
  if (source_->shared() != was_shared ||
      rte_get_tsc_cycles() - accounted_ > rte_get_tsc_hz() / kAccountsPerSecond)
    account(0);
}

/// How full the fullest ring is: 0 … 1.
double CaptureWriter::fill() const noexcept {
  double most = 0;
  for (const auto& q : s_.queues) most = std::max(most, q->fill());
  return most;
}

/// Writes one burst of every queue; false when there was none.
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
    frames_ += n;
  }
  return any;
}

/// Writes the counts, if they fit, also when the disk is full.
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
  SharedNap shared_nap;
  bool wrote = false;
  double fill = 0;
  while (true) {
    // Read before the rings: what was in them by then is written. A54: pairs with R54.
    const bool last = stopping.load(std::memory_order_acquire);
    look();
    if (write_some()) {
      wrote = true;
      continue;
    }
    if (last) break;
    if (is_shared()) {
      account(kWakingNs);
      std::this_thread::sleep_for(shared_nap.next(fill));
    } else {
      nap = wrote ? kShortNap : std::min(nap * 2, kLongNap);
      std::this_thread::sleep_for(nap);
    }
    wrote = false;
    fill = this->fill();
  }
  write_counts();
}

}  // namespace bab::detail
