#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace testbab {

/// Sequence numbers that haven't come: how many, and which, in as many ranges as there is memory
/// for. The oldest range beyond these counts as missing for good.
class MissingNumbers {
 public:
  struct Range {
    std::uint64_t first, end;
  };

  MissingNumbers() = default;
  /// `memory`: for its ranges, as long as it lives; what is in it doesn't matter.
  explicit MissingNumbers(std::span<Range> memory) noexcept : ranges_(memory) {}

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

  /// first … end - 1 are missing, which weren't so far.
  void add(std::uint64_t first, std::uint64_t end) noexcept {
    count_ += end - first;
    keep({first, end});
  }

  /// first … end - 1 came. Returns how many of them were missing.
  std::uint64_t fill(std::uint64_t first, std::uint64_t end) noexcept {
    std::uint64_t filled = 0;
    for (std::size_t i = 0; i < size_;) {
      Range& range = ranges_[i];
      const Range part{std::max(first, range.first), std::min(end, range.end)};
      if (part.first >= part.end) {
        ++i;
        continue;
      }
      filled += part.end - part.first;
      const Range behind{part.end, range.end};
      range.end = part.first;
      if (range.first < range.end) {
        ++i;
        // Numbers in the middle of a range came: there is no more of them.
        if (behind.first < behind.end) {
          keep(behind);
          break;
        }
      } else if (behind.first < behind.end) {
        range = behind;
        ++i;
      } else {
        remove(i);
      }
    }
    count_ -= filled;
    return filled;
  }

  /// What is missing so far is missing for good, and so are `more`.
  void settle(std::uint64_t more) noexcept {
    count_ += more;
    size_ = 0;
  }

 private:
  void keep(Range range) noexcept {
    if (ranges_.empty()) return;
    if (size_ == ranges_.size()) remove(0);
    ranges_[size_++] = range;
  }
  void remove(std::size_t i) noexcept {
    std::copy(ranges_.begin() + static_cast<std::ptrdiff_t>(i) + 1,
              ranges_.begin() + static_cast<std::ptrdiff_t>(size_),
              ranges_.begin() + static_cast<std::ptrdiff_t>(i));
    --size_;
  }

  std::span<Range> ranges_;
  std::size_t size_ = 0;  // ranges in use, from the front
  std::uint64_t count_ = 0;
};

}  // namespace testbab
