#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace bab::detail {

/// Time that a captured queue's lcore may spend, in TSC cycles and parts of one: a burst's share of
/// the time since the last is often less than one. It saves up `most`, and owes no more than that.
/// One thread.
class CaptureBudget {
 public:
  explicit CaptureBudget(double most) noexcept : most_(most), left_(most) {}

  void earn(double cycles) noexcept { left_ = std::min(most_, left_ + cycles); }
  void spend(double cycles) noexcept { left_ = std::max(-most_, left_ - cycles); }
  [[nodiscard]] bool is_spent() const noexcept { return left_ <= 0; }

 private:
  double most_, left_;
};

/// What writing a frame takes of a CPU, from looks at what some frames took; the latest count most.
/// One thread.
class FrameCost {
 public:
  /// A look's frames aren't taken to cost more than this each.
  static constexpr std::uint64_t kMostNs = 100'000;

  /// Time without frames is nobody's.
  void add(std::uint64_t frames, std::uint64_t spent_ns) noexcept {
    if (frames == 0) return;
    constexpr double kKept = 7.0 / 8;
    frames_ = frames_ * kKept + static_cast<double>(frames);
    spent_ns_ = spent_ns_ * kKept + static_cast<double>(std::min(spent_ns, frames * kMostNs));
  }
  [[nodiscard]] double ns() const noexcept { return spent_ns_ / frames_; }

 private:
  // As first guessed.
  double frames_ = 32, spent_ns_ = 32 * 10'000;
};

/// How long a capture's writer naps where it takes an lcore's time: as long as the buffers allow,
/// since wakings cost the lcore. With naps of 50 us they took 1.5 % of a loop's rate
/// (tests/perf/LOG.md).
class SharedNap {
 public:
  using Time = std::chrono::microseconds;
  static constexpr Time kShortest{50}, kLongest{5000};
  /// How full the fullest ring is to be after a nap.
  static constexpr double kFill = 0.25;

  /// The next nap, when after the last one the fullest ring was so full: 0 … 1.
  Time next(double fill) noexcept {
    const double factor = fill > 0 ? std::min(kFill / fill, 2.0) : 2.0;
    const double us = static_cast<double>(nap_.count()) * factor;
    nap_ = std::clamp(Time(static_cast<Time::rep>(us)), kShortest, kLongest);
    return nap_;
  }

 private:
  Time nap_ = kShortest;
};

}  // namespace bab::detail
