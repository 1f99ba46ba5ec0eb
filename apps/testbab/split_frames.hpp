#pragma once

#include <set>
#include <string>

#include "engine.hpp"

namespace testbab {

/// Tells of ports whose frames come split over several buffers: of each once, as soon as it is seen, and with the mend.
/// Main thread.
class SplitFrames {
 public:
  /// What is new since the last look: a line for each such port; else empty.
  std::string look(const Job& job, const Wiring& wiring);

 private:
  std::set<std::size_t> told_;
};

/// Frames of port i that a job's pollers gathered, so far.
std::uint64_t gathered_on(const Job& job, std::size_t port);

}  // namespace testbab
