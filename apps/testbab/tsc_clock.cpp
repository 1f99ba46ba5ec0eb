#include "tsc_clock.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <thread>

#include <rte_cycles.h>

namespace testbab {
namespace {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC

struct Moment {
  std::uint64_t tsc;
  Clock::time_point time;
};

/// Both clocks at one moment: of several tries, the one that took least time.
Moment both_clocks() {
  constexpr int kTries = 50;
  Moment best{};
  std::uint64_t shortest = std::numeric_limits<std::uint64_t>::max();
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t before = rte_rdtsc_precise();
    const Clock::time_point time = Clock::now();
    const std::uint64_t took = rte_rdtsc_precise() - before;
    if (took >= shortest) continue;
    shortest = took;
    best = {before + took / 2, time};
  }
  return best;
}

}  // namespace

double tsc_hz() {
  static const double hz = [] {
    const Moment from = both_clocks();
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    const Moment to = both_clocks();
    return static_cast<double>(to.tsc - from.tsc) /
           std::chrono::duration<double>(to.time - from.time).count();
  }();
  return hz;
}

}  // namespace testbab
