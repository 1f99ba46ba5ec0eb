#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace testbab {

/// Counts how often each 64-bit value came, in a fixed 30 kB. Exact below 128. From there on each
/// power of two has 64 equal steps: a value that is read is at most 1/64 (1.6 %) above the recorded
/// one, and never below. One lcore records and merges. Any thread may copy the histogram meanwhile
/// and read the copy, whose figures are a moment's.
class Histogram {
 public:
  Histogram() noexcept = default;
  Histogram(const Histogram& other) noexcept { *this = other; }
  Histogram& operator=(const Histogram& other) noexcept;

  void record(std::uint64_t value) noexcept {
    add(sum_, static_cast<double>(value));
    if (value < get(min_)) set(min_, value);
    if (value > get(max_)) set(max_, value);
    add(counts_[index(value)], std::uint64_t{1});
    add(count_, std::uint64_t{1});
  }

  void merge(const Histogram& other) noexcept;

  /// A `part` (0 … 1) of all values is not above this one. 0 when there are none.
  [[nodiscard]] std::uint64_t percentile(double part) const noexcept;

  /// How many values are not above `value`, to the histogram's steps.
  [[nodiscard]] std::uint64_t count_to(std::uint64_t value) const noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return get(count_); }
  [[nodiscard]] std::uint64_t min() const noexcept {
    return count() == 0 ? 0 : get(min_);
  }                                                                       ///< exact
  [[nodiscard]] std::uint64_t max() const noexcept { return get(max_); }  ///< exact
  /// The exact mean of the values.
  [[nodiscard]] double mean() const noexcept {
    return count() == 0 ? 0 : get(sum_) / static_cast<double>(count());
  }

 private:
  // One lcore writes, so no read-modify-write is needed. Others must only see whole words.
  template <class T>
  static T get(const std::atomic<T>& a) noexcept {
    return a.load(std::memory_order_relaxed);
  }
  template <class T>
  static void set(std::atomic<T>& a, T value) noexcept {
    a.store(value, std::memory_order_relaxed);
  }
  template <class T>
  static void add(std::atomic<T>& a, T value) noexcept {
    set(a, get(a) + value);
  }

  static constexpr unsigned kStepBits = 6;
  static constexpr std::size_t kSteps = std::size_t{1} << kStepBits;
  static constexpr std::size_t kCounters = (64 - kStepBits + 1) * kSteps;

  static constexpr std::size_t index(std::uint64_t value) noexcept {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = width > kStepBits + 1 ? width - (kStepBits + 1) : 0;
    return shift * kSteps + static_cast<std::size_t>(value >> shift);
  }
  /// The largest value that belongs to the step.
  static constexpr std::uint64_t highest(std::size_t index) noexcept {
    if (index < 2 * kSteps) return index;
    const std::size_t shift = index / kSteps - 1;
    const std::uint64_t lowest = std::uint64_t{index % kSteps + kSteps} << shift;
    return lowest + ((std::uint64_t{1} << shift) - 1);
  }

  std::array<std::atomic<std::uint64_t>, kCounters> counts_{};
  std::atomic<std::uint64_t> count_{0};
  std::atomic<double> sum_{0};
  std::atomic<std::uint64_t> min_{std::numeric_limits<std::uint64_t>::max()};
  std::atomic<std::uint64_t> max_{0};
};

}  // namespace testbab
