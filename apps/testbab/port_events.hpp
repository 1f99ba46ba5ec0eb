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

/// Events of the ports, such as a link that goes down. Each is printed when it happens, and kept
/// for the run's report. Main thread.
class PortEvents {
 public:
  using Say = std::function<void(const std::string&)>;

  explicit PortEvents(Wiring& wiring) : wiring_(wiring) {}

  /// Events belong to the next run from now on.
  void begin();
  /// To be called ten times a second at least. `seconds`: of the run, if there is one.
  void look(const Say& say, std::optional<double> seconds);

  /// A port is gone or needs a reset, so that the run has to end.
  [[nodiscard]] bool ends_run() const { return !removed_.empty() || !to_reset_.empty(); }
  /// A sentence if a port is gone, so that testbab has to end. Else empty.
  [[nodiscard]] const std::string& removed() const noexcept { return removed_; }
  /// The link of a port is down: frames for it need not be waited for long.
  [[nodiscard]] bool a_link_is_down() const;

  /// When nothing runs: resets the ports that need it, and starts those that were started. If that
  /// fails, the port stays stopped, and this is printed.
  void reset_ports(const Say& say);
  /// A sentence if a port was removed or could not be reset. Else empty.
  [[nodiscard]] std::string end_fault() const;
  /// Adds the present run's events, and the reason why it had to end.
  void sum_up(Summary& summary) const;

 private:
  Wiring& wiring_;
  std::vector<EventSummary> events_;
  std::uint64_t more_ = 0;             // events that events_ has no room for
  std::vector<std::size_t> to_reset_;  // ports: indexes into the wiring
  std::string removed_;
  std::string reset_;                             // of the present run: the sentence
  std::map<std::size_t, std::string> not_reset_;  // ports whose last reset failed, and why
};

}  // namespace testbab
