#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace bab::detail {

/// The time that a captured queue's lcore may spend, in TSC cycles and fractions of one: a burst
/// often earns less than one. At most `most` is saved up, and at most `most` is owed. One thread.
class CaptureBudget {
 public:
  explicit CaptureBudget(double most) noexcept : most_(most), left_(most) {}

  void earn(double cycles) noexcept { left_ = std::min(most_, left_ + cycles); }
  void spend(double cycles) noexcept { left_ = std::max(-most_, left_ - cycles); }
  [[nodiscard]] bool is_spent() const noexcept { return left_ <= 0; }

 private:
  double most_, left_;
};

/// The CPU time of writing a frame, from samples of some frames each; the latest samples count
/// most. One thread.
class FrameCost {
 public:
  /// The most that a sample can count per frame.
  static constexpr std::uint64_t kMaxNs = 100'000;

  /// Time without frames counts for no frame.
  void add(std::uint64_t frames, std::uint64_t spent_ns) noexcept {
    if (frames == 0) return;
    constexpr double kKept = 7.0 / 8;
    frames_ = frames_ * kKept + static_cast<double>(frames);
    spent_ns_ = spent_ns_ * kKept + static_cast<double>(std::min(spent_ns, frames * kMaxNs));
  }
  [[nodiscard]] double ns() const noexcept { return spent_ns_ / frames_; }

 private:
  // A first guess.
  double frames_ = 32, spent_ns_ = 32 * 10'000;
};

/// How long a capture's writing thread sleeps when it runs on an lcore's CPU: as long as the
/// buffers allow, since each wake-up costs the lcore time. With sleeps of 50 us, wake-ups took 1.5
/// % of a loop's rate (tests/perf/LOG.md).
class SharedNap {
 public:
  using Time = std::chrono::microseconds;
  static constexpr Time kShortest{50}, kLongest{5000};
  /// How full the fullest ring should be after a sleep: 0 … 1.
  static constexpr double kFill = 0.25;

  /// The next sleep; `fill`: how full the fullest ring was after the last one, 0 … 1.
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
