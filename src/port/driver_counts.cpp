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
  if (each_ > 0) {
    // The register grows, until somebody clears it.
    const std::uint64_t before = std::exchange(each_, added);
    return added >= before ? added - before : added;
  }
  if (added == 0) return 0;
  // A flood that the NIC misses doesn't add the same number in two moments, one right after the other.
  constexpr int kLooks = 2;
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
