#pragma once

#include <cstdint>

namespace testbab {

/// What a flowgen message's first 8 bytes say: which flow it is of, and its number there. A flow is
/// one writer's messages, whatever frames and sequence numbers they travel under.
struct FlowNumber {
  static constexpr unsigned kCounterBits = 48;

  static constexpr std::uint64_t make(std::uint64_t flow, std::uint64_t number) noexcept {
    return flow << kCounterBits | number;
  }
  static constexpr std::uint64_t flow(std::uint64_t word) noexcept { return word >> kCounterBits; }
  static constexpr std::uint64_t number(std::uint64_t word) noexcept {
    return word & ((std::uint64_t{1} << kCounterBits) - 1);
  }
};

}  // namespace testbab
