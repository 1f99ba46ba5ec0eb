#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <cstdint>

#include <rte_cycles.h>

namespace bab {

/// Decides when frames are offered to a full queue again. In each turn of a fast loop, a full queue
/// has room for a frame or two, and every such offer would cost a doorbell (a write to the NIC). So
/// the time between two offers doubles while the queue takes less than a quarter of what it could
/// take at most. The time halves when the queue takes half of that: the frames that are still in
/// the queue then last at least as long again.
///
/// On one lcore.
class OfferPace {
 public:
  /// Longest time between two offers, in microseconds.
  static constexpr std::uint64_t kLongestUs = 20;
  /// The shortest time is this fraction of the longest: 156 ns, about what a doorbell costs.
  static constexpr std::uint64_t kShortestPart = 128;

  OfferPace() noexcept : OfferPace(kLongestUs * rte_get_tsc_hz() / 1'000'000) {}
  /// `longest`: TSC cycles.
  explicit OfferPace(std::uint64_t longest) noexcept : longest_(longest) {}

  /// Whether it is too early for an offer. False for `now_tsc` 0: the time is not known.
  [[nodiscard]] bool early(std::uint64_t now_tsc) const noexcept {
    return now_tsc != 0 && now_tsc - last_tsc_ < pause_;
  }

  /// Notes an offer at `now_tsc`: a queue that holds `capacity` frames took `taken` of `frames`. A
  /// time or a capacity of 0 is not known: there is no pause then.
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
  std::uint64_t longest_;  // TSC cycles, like the next two
  std::uint64_t pause_ = 0;
  std::uint64_t last_tsc_ = 0;
};

}  // namespace bab
