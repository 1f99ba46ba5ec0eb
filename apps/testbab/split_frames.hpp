#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine.hpp"

namespace testbab {

/// Tells of ports whose frames come split over several buffers, if nothing said so before the run.
/// Each port is named once per MTU, as soon as it is seen, with the mend. Main thread.
class SplitFrames {
 public:
  /// What is seen from now on belongs to the next run.
  void begin();
  /// A sentence for each such port that wasn't named before.
  std::vector<std::string> look(const Job& job, const Wiring& wiring);
  /// All sentences of the present run.
  [[nodiscard]] const std::vector<std::string>& said() const noexcept { return said_; }

 private:
  std::map<std::size_t, unsigned> told_;  // port, and the MTU at that time
  std::set<std::size_t> seen_;            // in the present run
  std::vector<std::string> said_;
};

/// How many frames of port i a job's pollers have gathered so far.
std::uint64_t gathered_on(const Job& job, std::size_t port);

}  // namespace testbab
