#pragma once

#include <cstdio>

#include "arguments.hpp"
#include "options.hpp"

namespace testbab {

/// `--doctor`: examines the machine for the run that these arguments ask for. Doesn't start EAL.
/// Prints one line per finding, or JSON with --json. Returns the exit code: 1 when a finding is
/// FAIL.
int run_doctor(const Options& options, const Arguments& arguments);

}  // namespace testbab
