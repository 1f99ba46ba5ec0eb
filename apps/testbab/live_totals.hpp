#pragma once

#include <cstdint>

#include "engine.hpp"

namespace testbab {

/// The sums of what a job's pollers have published so far. Any thread.
struct LiveTotals {
  std::uint64_t tx_messages = 0, tx_bytes = 0, tx_frames = 0;
  std::uint64_t rx_messages = 0, rx_bytes = 0, rx_frames = 0, dropped = 0, gathered = 0;

  static LiveTotals of(const Job& job);
};

}  // namespace testbab
