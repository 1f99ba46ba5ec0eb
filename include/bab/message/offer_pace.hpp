#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <cstdint>

#include <rte_cycles.h>

namespace bab {

/// When a full queue is offered frames again. At each turn of a fast loop it has room for a frame
/// or two, and each of these would cost a doorbell. So the time between two offers doubles while
/// less than a quarter of what can be taken is taken. It halves when half is taken: the frames that
/// the queue still has then last at least as long again.
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

  /// A queue that holds `capacity` frames took `taken` of `frames` at that time. Where the time or
  /// the capacity is 0, it isn't known, and nothing is paced.
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
