#pragma once

#include <cstdio>
#include <string>

#include "stop_signals.hpp"

namespace testbab {

/// Opens a file to read, "-" for standard input. Where it is none but a pipe or the like, whose
/// writer may come late or pause, a signal ends reading: as a read that failed, and then `stopped`
/// is true. Null: it can't be opened, errno says why. `signals` and `stopped` must outlive it.
std::FILE* open_stoppable(const std::string& path, const StopSignals& signals, bool& stopped);

}  // namespace testbab
