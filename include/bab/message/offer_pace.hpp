#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <cstdint>

#include <rte_cycles.h>

namespace bab {

/// When a sink that didn't take all frames is offered them again. A full NIC queue has room for a frame or two at each turn
/// of a fast loop, and each of these would cost a doorbell. So the time between two offers doubles until half of an offer is
/// taken. That is far less than the time in which a queue runs empty: then all of the offer would be taken.
///
/// One lcore.
class OfferPace {
 public:
  /// Longest time between two offers, in microseconds.
  static constexpr std::uint64_t kLongestUs = 20;
  /// The shortest is this part of it: 156 ns, about what a doorbell costs.
  static constexpr std::uint64_t kShortestPart = 128;

  OfferPace() noexcept : OfferPace(kLongestUs * rte_get_tsc_hz() / 1'000'000) {}
  /// `longest`: TSC cycles.
  explicit OfferPace(std::uint64_t longest) noexcept : longest_(longest) {}

  /// Whether it is too early for an offer. Never at `now_tsc` 0: the time isn't known.
  [[nodiscard]] bool early(std::uint64_t now_tsc) const noexcept {
    return now_tsc != 0 && now_tsc < next_tsc_;
  }

  /// `taken` of `frames` were, at that time. 0: the time isn't known.
  void offered(unsigned frames, unsigned taken, std::uint64_t now_tsc) noexcept {
    if (taken == frames || now_tsc == 0) {
      pause_ = 0;
      next_tsc_ = 0;
      return;
    }
    if (taken < frames - taken) pause_ = std::clamp(2 * pause_, longest_ / kShortestPart, longest_);
    next_tsc_ = now_tsc + pause_;
  }

 private:
  std::uint64_t longest_;  // TSC cycles, as the others
  std::uint64_t pause_ = 0;
  std::uint64_t next_tsc_ = 0;
};

}  // namespace bab
