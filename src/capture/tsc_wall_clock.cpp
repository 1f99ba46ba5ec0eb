#include "tsc_wall_clock.hpp"

#include <ctime>

#include <rte_cycles.h>

namespace bab::detail {

TscWallClock::Sources TscWallClock::machine() noexcept {
  return {[]() noexcept { return rte_get_tsc_cycles(); },
          []() noexcept {
            timespec now{};
            (void)clock_gettime(CLOCK_REALTIME, &now);
            return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
                   static_cast<std::uint64_t>(now.tv_nsec);
          },
          rte_get_tsc_hz()};
}

std::optional<TscWallClock::Reading> TscWallClock::read(bool whatever_it_takes,
                                                        const Sources& from) noexcept {
  constexpr int kTries = 4;
  constexpr std::uint64_t kPerSecond = 100'000;  // a good reading took at most 10 us
  std::optional<Reading> best;
  std::uint64_t least = whatever_it_takes ? UINT64_MAX : from.hz / kPerSecond;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t before = from.tsc();
    const std::uint64_t ns = from.real_ns();
    const std::uint64_t took = from.tsc() - before;
    if (took > least) continue;
    least = took;
    best = {before + took / 2, ns};
  }
  return best;
}

}  // namespace bab::detail
