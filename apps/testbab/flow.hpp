#pragma once

#include <cstdint>

namespace testbab {

/// The first 8 bytes of a flowgen message: its flow, and its number in the flow. A flow is the
/// messages of one writer, whatever frames and sequence numbers they have.
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
