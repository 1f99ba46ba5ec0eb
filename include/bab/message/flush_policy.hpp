#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <limits>

#include <bab/wire/moldudp64.hpp>

namespace bab {

/// When a writer seals a frame that is not full. flush() always does.
struct FlushPolicy {
  /// Seals a frame with this many messages, 1 … 65534. A LocalWriter counts committed messages; a
  /// frame can hold more, since messages that are only reserved by then belong to it, too. A
  /// SharedWriter counts reserved messages.
  std::uint32_t max_messages = wire::kMoldMaxCount;
  /// Seals a frame this many TSC ticks after the first poll() that sees a message in it. 0: no
  /// deadline. A deadline beyond the end of the clock (64 bits) never comes.
  std::uint64_t max_delay_tsc = 0;

  /// The TSC time at which a frame is due whose first message is seen at `now_tsc`.
  [[nodiscard]] std::uint64_t deadline(std::uint64_t now_tsc) const noexcept {
    constexpr auto kNever = std::numeric_limits<std::uint64_t>::max();
    return max_delay_tsc < kNever - now_tsc ? now_tsc + max_delay_tsc : kNever;
  }
};

}  // namespace bab
