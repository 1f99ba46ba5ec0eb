#include "histogram.hpp"

#include <algorithm>
#include <cmath>

namespace testbab {

Histogram& Histogram::operator=(const Histogram& other) noexcept {
  // The count is summed over the copied values: `other` may be in use.
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < kCounters; ++i) {
    const std::uint64_t n = get(other.counts_[i]);
    set(counts_[i], n);
    count += n;
  }
  set(count_, count);
  set(sum_, get(other.sum_));
  set(min_, get(other.min_));
  set(max_, get(other.max_));
  return *this;
}

void Histogram::merge(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < kCounters; ++i) add(counts_[i], get(other.counts_[i]));
  add(count_, get(other.count_));
  add(sum_, get(other.sum_));
  set(min_, std::min(get(min_), get(other.min_)));
  set(max_, std::max(get(max_), get(other.max_)));
}

std::uint64_t Histogram::percentile(double part) const noexcept {
  if (count() == 0) return 0;
  const double rank = std::ceil(part * static_cast<double>(count()));
  std::uint64_t left = rank <= 1 ? 1 : std::min(count(), static_cast<std::uint64_t>(rank));
  for (std::size_t i = 0; i < kCounters; ++i) {
    const std::uint64_t n = get(counts_[i]);
    if (n >= left) return std::min(std::max(highest(i), get(min_)), get(max_));
    left -= n;
  }
  return max();
}

std::uint64_t Histogram::count_to(std::uint64_t value) const noexcept {
  if (value >= max()) return count();
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kCounters && highest(i) <= value; ++i) sum += get(counts_[i]);
  return sum;
}

}  // namespace testbab
