#include <bab/port/driver_counts.hpp>

#include <utility>

namespace bab::detail {

bool DriverCounts::read(rte_eth_stats& stats) noexcept {
  stats = {};
  if (rte_eth_stats_get(port_, &stats) != 0) return false;
  missed_ += missed_since(added_since(stats.imissed));
  stats.imissed = missed_;
  return true;
}

std::uint64_t DriverCounts::added_since(std::uint64_t imissed) noexcept {
  const std::uint64_t before = std::exchange(seen_, imissed);
  return imissed >= before ? imissed - before : imissed;
}

std::uint64_t DriverCounts::missed_since(std::uint64_t added) noexcept {
  if (const std::uint64_t before = std::exchange(each_, 0); before > 0 && added >= before) {
    each_ = added;  // the register grows until somebody clears it
    return added - before;
  }
  if (added == 0) return 0;
  // A NIC that really misses frames hardly misses the same number so many times, one reading right
  // after the other.
  constexpr int kLooks = 7;
  std::uint64_t more = 0;
  for (int i = 0; i < kLooks; ++i) {
    rte_eth_stats now{};
    if (rte_eth_stats_get(port_, &now) != 0) return added + more;
    const std::uint64_t again = added_since(now.imissed);
    more += again;
    if (again != added) return added + more;
  }
  each_ = added;
  return added;
}

}  // namespace bab::detail
