#include <bab/detail/tsc_wall_clock.hpp>

#include <ctime>

#include <rte_cycles.h>

namespace bab::detail {

std::optional<TscWallClock::Reading> TscWallClock::read(bool whatever_it_takes) noexcept {
  constexpr int kTries = 4;
  constexpr std::uint64_t kPerSecond = 100'000;  // it took no longer than 10 us
  std::optional<Reading> best;
  std::uint64_t least = whatever_it_takes ? UINT64_MAX : rte_get_tsc_hz() / kPerSecond;
  for (int i = 0; i < kTries; ++i) {
    timespec now{};
    const std::uint64_t before = rte_get_tsc_cycles();
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const std::uint64_t took = rte_get_tsc_cycles() - before;
    if (took > least) continue;
    least = took;
    best = {before + took / 2, static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
                                   static_cast<std::uint64_t>(now.tv_nsec)};
  }
  return best;
}

}  // namespace bab::detail
