#include <bab/bus/placement.hpp>

#include <fmt/format.h>

namespace bab {

std::string Placement::text() const {
  std::string all;
  for (const Row& row : rows)
    all += fmt::format("lcore {}{}: {} ({})\n", row.lcore, row.by_hand ? ", by hand" : "", row.what,
                       row.why);
  return all;
}

}  // namespace bab
