#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine.hpp"

namespace testbab {

/// Tells of ports whose frames come split over several buffers though nothing said so before: of
/// each once for an MTU, as soon as it is seen, and with the mend. Main thread.
class SplitFrames {
 public:
  /// What comes from now on is the next run's.
  void begin();
  /// What hasn't been told: a sentence for each such port.
  std::vector<std::string> look(const Job& job, const Wiring& wiring);
  /// All of the present run.
  [[nodiscard]] const std::vector<std::string>& said() const noexcept { return said_; }

 private:
  std::map<std::size_t, unsigned> told_;  // port, at which MTU
  std::set<std::size_t> seen_;            // in the present run
  std::vector<std::string> said_;
};

/// Frames of port i that a job's pollers gathered, so far.
std::uint64_t gathered_on(const Job& job, std::size_t port);

}  // namespace testbab
