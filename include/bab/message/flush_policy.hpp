#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <limits>

#include <bab/wire/moldudp64.hpp>

namespace bab {

/// When a writer's frame goes out before it is full. flush() always does.
struct FlushPolicy {
  /// 1 … 65534, counted when they are committed: those that are only reserved by then come on top.
  std::uint32_t max_messages = wire::kMoldMaxCount;
  /// TSC ticks from the first poll() that sees a message in the frame; 0: no deadline, and any that
  /// is beyond the clock's end is as good as none.
  std::uint64_t max_delay_tsc = 0;

  /// When a frame is due whose first message is seen now.
  [[nodiscard]] std::uint64_t deadline(std::uint64_t now_tsc) const noexcept {
    constexpr auto kNever = std::numeric_limits<std::uint64_t>::max();
    return max_delay_tsc < kNever - now_tsc ? now_tsc + max_delay_tsc : kNever;
  }
};

}  // namespace bab
