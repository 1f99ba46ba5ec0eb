#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace testbab {

/// The sizes of a stream's messages: a function of their numbers, so that the same number has the
/// same size in every run. One size, sizes spread over a range, or a mix. The shares of a mix are
/// exact in every round, and well spread over the round. Cheap to copy. Any thread.
class MessageSizes {
 public:
  static constexpr std::uint32_t kMax = 65535;   ///< bytes
  static constexpr std::size_t kMaxShares = 64;  ///< of a mix
  /// Messages in a round of a mix, when its weights have no common divisor.
  static constexpr std::uint32_t kLongestRound = 65536;

  struct Share {
    std::uint32_t size;
    std::uint32_t weight;
  };

  explicit MessageSizes(std::uint32_t size) noexcept : MessageSizes(size, size) {}
  /// `min` … `max`, spread by number.
  MessageSizes(std::uint32_t min, std::uint32_t max) noexcept
      : min_(min), max_(max), span_(max - min + 1) {}
  /// Throws std::invalid_argument: no shares, too many, a weight of 0, too long a round.
  explicit MessageSizes(std::span<const Share> mix);

  /// "N", "MIN-MAX", or "N,N…": these sizes in turn. Throws std::invalid_argument with what is
  /// wrong.
  static MessageSizes parse(std::string_view text);
  /// "SIZE:WEIGHT[,…]". Throws the same.
  static MessageSizes parse_mix(std::string_view text);

  [[nodiscard]] std::uint32_t of(std::uint64_t number) const noexcept {
    if (span_ == 1) return min_;
    if (round_) return (*round_)[number % round_->size()];
    return min_ + static_cast<std::uint32_t>(((number * 0x9e3779b97f4a7c15) >> 33) % span_);
  }

  [[nodiscard]] std::uint32_t min() const noexcept { return min_; }
  [[nodiscard]] std::uint32_t max() const noexcept { return max_; }

 private:
  std::uint32_t min_;
  std::uint32_t max_;
  std::uint32_t span_;
  std::shared_ptr<const std::vector<std::uint16_t>> round_;  // null: no mix
};

}  // namespace testbab
