#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "live_totals.hpp"
#include "summary.hpp"

namespace testbab {

/// Prints a line of live rates at intervals.
class LiveText {
 public:
  using Say = std::function<void(const std::string&)>;
  /// `period_s`: seconds from line to line; 0: no lines.
  LiveText(Say say, unsigned period_s);
  void set_period(unsigned period_s) { period_ = std::chrono::seconds(period_s); }
  /// Prints a line when it is time for one.
  void tick(const Job& job);

 private:
  using Clock = std::chrono::steady_clock;
  Say say_;
  std::chrono::seconds period_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_time_ = start_;
  LiveTotals last_;
};

/// The box at the end: ports, bus, drops, ledger, pools, and the verdict in one sentence.
std::string summary_text(const Summary& summary);

// Its parts: a line for each row or reason.
std::string ledger_text(const bab::Ledger& ledger);
/// "   3.2 s  port 0: link down", and how many frames are in doubt.
std::string event_text(const EventSummary& event);
std::string drops_text(const bab::DropCounters& counters);

/// "12.3 M", "456 k", "7": three digits and a unit's prefix.
std::string with_prefix(double value);

}  // namespace testbab
