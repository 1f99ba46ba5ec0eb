#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "live_totals.hpp"
#include "summary.hpp"

namespace testbab {

/// A line of live rates every so many seconds.
class LiveText {
 public:
  using Say = std::function<void(const std::string&)>;
  /// `period_s` 0: none.
  LiveText(Say say, unsigned period_s);
  void set_period(unsigned period_s) { period_ = std::chrono::seconds(period_s); }
  /// Says it when it is time to.
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

// Its parts, a line each row or reason.
std::string ledger_text(const bab::Ledger& ledger);
/// "   3.2 s  port 0: link down", and what is in doubt.
std::string event_text(const EventSummary& event);
std::string drops_text(const bab::DropCounters& counters);

/// "12.3 M", "456 k", "7": three digits and a unit's prefix.
std::string with_prefix(double value);

}  // namespace testbab
