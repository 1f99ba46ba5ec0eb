#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace testbab {

/// Lets messages go at a steady rate: message i is due i intervals after the first call of due().
/// Messages that couldn't go in time go later, at once, so that the mean rate holds. Messages that
/// are later than `most_late` are given up, except for the newest one: a burst therefore has at
/// most 1 + most_late / interval messages. The caller gives the time, in TSC ticks; it must not go
/// backwards. One lcore.
class TokenBucket {
 public:
  /// No limit.
  TokenBucket() noexcept = default;

  /// `interval`: ticks between two messages, 2^-20 … 2^42, kept to 2^-20. `most_late`: ticks, below
  /// 2^42. `phase`: the first message is due this part (0 … 1) of an interval after the first call.
  TokenBucket(double interval, std::uint64_t most_late, double phase = 0) noexcept
      : interval_(std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(std::llround(interval * double{kOne})))),
        most_late_(most_late),
        part_(static_cast<std::uint64_t>(phase * static_cast<double>(interval_))) {}

  [[nodiscard]] bool limited() const noexcept { return interval_ != 0; }

  /// How many messages may go at `now`.
  [[nodiscard]] std::uint64_t due(std::uint64_t now) noexcept {
    if (!limited()) return std::numeric_limits<std::uint64_t>::max();
    if (!started_) [[unlikely]]
      start(now);
    if (now < next_) return 0;
    if (now - next_ > most_late_) [[unlikely]]
      give_up(now);
    const std::uint64_t late = (now - next_) << kPartBits;
    return late < part_ ? 0 : (late - part_) / interval_ + 1;
  }

  /// `n` of the due messages went.
  void take(std::uint64_t n) noexcept {
    part_ += n * interval_;
    next_ += part_ >> kPartBits;
    part_ &= kOne - 1;
  }

  /// When the next message is due, in whole ticks. Only after the first due().
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
  /// Messages that were given up.
  [[nodiscard]] std::uint64_t given_up() const noexcept { return given_up_; }

 private:
  static constexpr unsigned kPartBits = 20;
  static constexpr std::uint64_t kOne = std::uint64_t{1} << kPartBits;

  void start(std::uint64_t now) noexcept {
    started_ = true;
    next_ = now;
    take(0);  // whole ticks of the phase
  }

  void give_up(std::uint64_t now) noexcept {
    const double interval = static_cast<double>(interval_) / static_cast<double>(kOne);
    const double n = std::floor(static_cast<double>(now - next_ - most_late_) / interval);
    given_up_ += static_cast<std::uint64_t>(n);
    next_ += static_cast<std::uint64_t>(n * interval);
  }

  std::uint64_t interval_ = 0;  // ticks << kPartBits; 0: no limit
  std::uint64_t most_late_ = 0;
  std::uint64_t next_ = 0;  // when the next one is due: whole ticks,
  std::uint64_t part_ = 0;  // and << kPartBits what comes on top
  std::uint64_t given_up_ = 0;
  bool started_ = false;
};

}  // namespace testbab
