#include <bab/bus/placement.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace bab {

std::vector<Placed> plan_placement(std::span<const LcoreLoad> lcores, std::size_t pollers) {
  std::vector<Placed> placed;
  if (lcores.empty()) return placed;
  const std::size_t fewest =
      std::min_element(lcores.begin(), lcores.end(), [](const LcoreLoad& a, const LcoreLoad& b) {
        return a.pollers < b.pollers;
      })->pollers;
  std::vector<unsigned> all, chosen;
  for (const LcoreLoad& each : lcores) {
    all.push_back(each.lcore);
    if (each.pollers == fewest) chosen.push_back(each.lcore);
  }
  const std::string why =
      fmt::format("fewest pollers ({}) of lcores {}", fewest, fmt::join(all, ", "));
  const std::size_t used = std::min(chosen.size(), pollers);
  for (std::size_t i = 0; i < pollers; ++i) placed.push_back({chosen[i * used / pollers], why});
  return placed;
}

std::string Placement::text() const {
  std::string all;
  for (const Row& row : rows)
    all += fmt::format("lcore {}{}: {} ({})\n", row.lcore, row.by_hand ? ", by hand" : "", row.what,
                       row.why);
  return all;
}

}  // namespace bab
