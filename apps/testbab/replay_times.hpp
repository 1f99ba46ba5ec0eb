#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace testbab {

/// When the frames of a capture are due, by their stamps: nanoseconds since the first one, never
/// less than the frame's before. Frames that several queues or interfaces captured stand a little
/// out of order: one behind the latest stamp is due with that one. A stamp further behind is of a
/// clock that was set back: the frame is due at once, and the clock's new time counts from there,
/// unless the next stamp is again of the clock as it was: then the one between was odd.
class ReplayTimes {
 public:
  /// Stamps of frames on different queues or interfaces, of one clock, are less apart.
  static constexpr std::uint64_t kOutOfOrderNs = 1'000'000'000;
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  /// A gap between two frames that is longer than `max_gap_ns` becomes that.
  explicit ReplayTimes(std::uint64_t max_gap_ns = kNoLimit) noexcept : max_gap_ns_(max_gap_ns) {}

  std::uint64_t due(std::uint64_t stamp_ns) noexcept {
    if (!latest_) latest_ = stamp_ns;
    const std::uint64_t not_before = due_;
    if (*latest_ > stamp_ns && *latest_ - stamp_ns > kOutOfOrderNs) {
      before_ = Clock{*latest_, due_};
      latest_ = stamp_ns;
      ++set_back_;
      furthest_back_ns_ = std::max(furthest_back_ns_, before_->latest - stamp_ns);
    } else if (before_) {
      if (stamp_ns > *latest_ + kOutOfOrderNs && stamp_ns + kOutOfOrderNs >= before_->latest) {
        latest_ = before_->latest;
        due_ = before_->due;
      }
      before_.reset();
    }
    if (stamp_ns > *latest_) {
      const std::uint64_t gap = stamp_ns - *latest_;
      due_ += std::min(gap, max_gap_ns_);
      shortened_ += gap > max_gap_ns_ ? 1 : 0;
      latest_ = stamp_ns;
    }
    due_ = std::max(due_, not_before);
    return due_;
  }

  /// Of a frame without a stamp: with the frame before.
  [[nodiscard]] std::uint64_t due() const noexcept { return due_; }

  /// How often the clock was set back, and by how much at most.
  [[nodiscard]] std::uint64_t set_back() const noexcept { return set_back_; }
  [[nodiscard]] std::uint64_t furthest_back_ns() const noexcept { return furthest_back_ns_; }
  /// Gaps that were longer than the limit.
  [[nodiscard]] std::uint64_t shortened() const noexcept { return shortened_; }

 private:
  struct Clock {
    std::uint64_t latest, due;
  };

  std::uint64_t max_gap_ns_;
  std::optional<std::uint64_t> latest_;  // stamp
  std::optional<Clock> before_;          // as it was, if the last stamp set it back
  std::uint64_t due_ = 0;
  std::uint64_t set_back_ = 0, furthest_back_ns_ = 0, shortened_ = 0;
};

}  // namespace testbab
