#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "histogram.hpp"

namespace testbab {

/// What is said of round trips, from when each message should have gone until it came back.
struct Latency {
  std::uint64_t count = 0;
  std::uint64_t min_ns = 0, mean_ns = 0, max_ns = 0;
  std::uint64_t p50_ns = 0, p90_ns = 0, p99_ns = 0, p999_ns = 0;
  std::uint64_t late = 0;      ///< came back after --ping-timeout-ms; in `count`, and lost
  std::uint64_t lost = 0;      ///< never came back
  std::uint64_t given_up = 0;  ///< should have gone and couldn't for longer than that; never sent

  struct Bar {
    std::uint64_t upto_ns;
    std::uint64_t count;
  };
  std::vector<Bar> bars;  ///< for a plot, in steps of 1, 2, 5, 10, …; none when count is 0
};

/// Of a histogram of ticks, `hz` of which are a second; it may be under way.
Latency latency_of(const Histogram& recorded, double hz);

/// Percentiles in a line, then a plot: each line indented and ended.
std::string latency_text(const Latency& latency);

/// "853 ns", "12.3 µs", "1.20 s".
std::string duration_text(double ns);

}  // namespace testbab
