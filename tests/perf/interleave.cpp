#include "interleave.hpp"

#include <algorithm>
#include <vector>

#include "two_lcores.hpp"

namespace bench {
namespace {

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

struct Side {
  std::vector<double> ns;

  [[nodiscard]] double min() const { return *std::min_element(ns.begin(), ns.end()); }
  [[nodiscard]] double max() const { return *std::max_element(ns.begin(), ns.end()); }
};

}  // namespace

Result measure(const RowSpec& spec, const Effort& effort) {
  Result result;
  result.spec = spec;
  result.runs = effort.runs;
  const std::unique_ptr<Row> row = spec.make();
  // If the kernel took the CPU away during a slice, the slice also measures other work of the
  // machine. Such a slice is tried again.
  const auto slice = [&](auto side) {
    for (unsigned tries = 0;; ++tries) {
      const Slice s = side();
      result.interruptions += s.interruptions;
      if (s.interruptions == 0) return s.ns;
      if (tries == effort.retries) {
        ++result.disturbed;
        return s.ns;
      }
    }
  };
  const auto subject = [&] { return row->subject(effort.slice_seconds); };
  const auto floor = [&] { return row->floor(effort.slice_seconds); };
  (void)subject();  // causes the page faults, and fills caches and branch predictors
  const bool has_floor = !spec.floor_name.empty();
  if (has_floor) (void)floor();
  Side ours, theirs;
  std::vector<double> pingpong;
  for (unsigned run = 0; run < effort.runs; ++run) {
    if (spec.lcores == Lcores::kTwo) pingpong.push_back(pingpong_ns());
    ours.ns.push_back(slice(subject));
    if (has_floor) theirs.ns.push_back(slice(floor));
  }
  result.ns = median(ours.ns);
  result.min_ns = ours.min();
  result.max_ns = ours.max();
  if (!pingpong.empty()) result.pingpong_ns = median(pingpong);
  if (!has_floor) return result;
  result.floor_ns = median(theirs.ns);
  result.floor_min_ns = theirs.min();
  result.floor_max_ns = theirs.max();
  result.ratio = result.ns / result.floor_ns;
  return result;
}

}  // namespace bench
