#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine.hpp"

namespace testbab {

/// Tells of ports whose frames come split over several buffers though nothing said so before: of each once, as soon as it is
/// seen, and with the mend. Main thread.
class SplitFrames {
 public:
  /// What is new since the last look: a sentence for each such port.
  std::vector<std::string> look(const Job& job, const Wiring& wiring);
  /// All of them.
  [[nodiscard]] const std::vector<std::string>& said() const noexcept { return said_; }

 private:
  std::set<std::size_t> told_;
  std::vector<std::string> said_;
};

/// Frames of port i that a job's pollers gathered, so far.
std::uint64_t gathered_on(const Job& job, std::size_t port);

}  // namespace testbab
