#include "histogram.hpp"

#include <cmath>

namespace testbab {

void Histogram::merge(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < kCounters; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

std::uint64_t Histogram::percentile(double part) const noexcept {
  if (count_ == 0) return 0;
  const double rank = std::ceil(part * static_cast<double>(count_));
  std::uint64_t left = rank <= 1 ? 1 : std::min(count_, static_cast<std::uint64_t>(rank));
  for (std::size_t i = 0; i < kCounters; ++i) {
    if (counts_[i] >= left) return std::clamp(highest(i), min_, max_);
    left -= counts_[i];
  }
  return max_;
}

std::uint64_t Histogram::count_to(std::uint64_t value) const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kCounters && highest(i) <= value; ++i) sum += counts_[i];
  return value >= max_ ? count_ : sum;
}

}  // namespace testbab
