#pragma once

#include <cstdio>
#include <string>

#include "stop_signals.hpp"

namespace testbab {

/// Opens a file to read, "-" for standard input. Where it is a pipe, whose writer may come late or pause, each wait for it
/// ends with a signal, as a read that failed (ECANCELED). Null: it can't be opened, errno says why. `signals` must outlive it.
std::FILE* open_stoppable(const std::string& path, const StopSignals& signals);

}  // namespace testbab
