#pragma once

#include <vector>

#include "engine.hpp"
#include "stop_signals.hpp"

namespace testbab {

class LiveText;

struct RunResult {
  double seconds;    ///< from the first poll to the last frame
  bool interrupted;  ///< by a signal
  std::vector<LcoreSummary> lcores;
};

/// Runs the job's pollers on `lcores` until its end: all it had to do is done, --duration, --idle-exit-ms
/// or a signal. Then stops it stage by stage. On the main lcore, which sleeps.
RunResult run(Job& job, const std::vector<unsigned>& lcores, const Options& options,
              StopSignals& signals, LiveText& live);

}  // namespace testbab
