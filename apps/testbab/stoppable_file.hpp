#pragma once

#include <cstdio>
#include <string>

#include "stop_signals.hpp"

namespace testbab {

/// Opens a file to read, "-" for standard input. The writer of a pipe may come late or pause. A
/// signal then ends the reading: a read fails, and `stopped` is true. Null: the file can't be
/// opened, and errno says why. `signals` and `stopped` must outlive the result.
std::FILE* open_stoppable(const std::string& path, const StopSignals& signals, bool& stopped);

}  // namespace testbab
