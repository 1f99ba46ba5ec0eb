#pragma once

#include <cstdint>

#include <bab/wire/moldudp64.hpp>

namespace bab {

/// When a writer's frame goes out before it is full. flush() always does.
struct FlushPolicy {
  /// 1 … 65534, counted when they are committed: those that are only reserved by then come on top.
  std::uint32_t max_messages = wire::kMoldMaxCount;
  /// TSC ticks from the first poll() that sees a message in the frame; 0: no deadline.
  std::uint64_t max_delay_tsc = 0;
};

}  // namespace bab
