#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "summary.hpp"

namespace testbab {

class Wiring;

/// What happens to the ports without anybody having asked: said as it comes, kept for the run's
/// report. Main thread.
class PortEvents {
 public:
  using Say = std::function<void(const std::string&)>;

  explicit PortEvents(Wiring& wiring) : wiring_(wiring) {}

  /// What comes from now on is the next run's.
  void begin();
  /// `seconds` of the run, if there is one. Ten times a second at least.
  void look(const Say& say, std::optional<double> seconds);

  /// A port is gone or wants a reset: a run has to end.
  [[nodiscard]] bool ends_run() const { return !removed_.empty() || !to_reset_.empty(); }
  /// A port is gone, and nothing can be done but to end. Empty, or the sentence.
  [[nodiscard]] const std::string& removed() const noexcept { return removed_; }
  /// Some port's link is down: what waits for it need not be waited for long.
  [[nodiscard]] bool a_link_is_down() const;

  /// When nothing runs: resets the ports that want it, and starts those that were started. Where
  /// that fails, it says so, and the port is stopped.
  void reset_ports(const Say& say);
  /// What is still wrong with a port: it was removed, or could not be reset. Empty, or the
  /// sentence.
  [[nodiscard]] std::string end_fault() const;
  /// The present run's events, and why it had to end.
  void sum_up(Summary& summary) const;

 private:
  Wiring& wiring_;
  std::vector<EventSummary> events_;
  std::uint64_t more_ = 0;             // that events_ has no room for
  std::vector<std::size_t> to_reset_;  // ports: indexes into the wiring
  std::string removed_;
  std::string reset_;                             // of the present run: the sentence
  std::map<std::size_t, std::string> not_reset_;  // ports whose last reset failed, and why
};

}  // namespace testbab
