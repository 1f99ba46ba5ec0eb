#pragma once

#include <chrono>
#include <cstdio>

#include "engine.hpp"
#include "summary.hpp"

namespace testbab {

/// A line of live rates every --stats-period seconds.
class LiveText {
 public:
  LiveText(std::FILE* out, unsigned period_s);
  /// Prints when it is time to.
  void tick(const Job& job);

 private:
  struct Sample {
    std::uint64_t tx_messages = 0, tx_bytes = 0, tx_frames = 0;
    std::uint64_t rx_messages = 0, rx_bytes = 0, rx_frames = 0, dropped = 0;
  };
  static Sample sample(const Job& job);

  using Clock = std::chrono::steady_clock;
  std::FILE* out_;
  std::chrono::seconds period_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_time_ = start_;
  Sample last_;
};

/// The box at the end: ports, bus, drops, ledger, pools, and the verdict in one sentence.
void print_summary(std::FILE* out, const Summary& summary);

/// "12.3 M", "456 k", "7": three digits and a unit's prefix.
std::string with_prefix(double value);

}  // namespace testbab
