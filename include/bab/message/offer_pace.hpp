#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <cstdint>

#include <rte_cycles.h>

namespace bab {

/// When a full queue is offered frames again. It has room for a frame or two at each turn of a fast loop, and each of these
/// would cost a doorbell. So the time between two offers doubles while less than a quarter of what can be taken is taken,
/// and halves when half is: what is left in the queue then lasts at least as long again.
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
    return now_tsc != 0 && now_tsc - last_tsc_ < pause_;
  }

  /// `taken` of `frames` were, at that time (0: not known), by a queue that holds `capacity` (0: not known, and never paced).
  void offered(unsigned frames, unsigned taken, unsigned capacity, std::uint64_t now_tsc) noexcept {
    last_tsc_ = now_tsc;
    const unsigned most = std::min(frames, capacity);
    if (taken == frames || most == 0 || now_tsc == 0)
      pause_ = 0;
    else if (taken >= most / 2)
      pause_ /= 2;
    else if (taken < most / 4)
      pause_ = std::clamp(2 * pause_, longest_ / kShortestPart, longest_);
  }

 private:
  std::uint64_t longest_;  // TSC cycles, as the others
  std::uint64_t pause_ = 0;
  std::uint64_t last_tsc_ = 0;
};

}  // namespace bab
