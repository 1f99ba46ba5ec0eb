#pragma once

#include <cstdio>

#include "arguments.hpp"
#include "options.hpp"

namespace testbab {

/// `--doctor`: examines the machine for the run that these arguments ask for, without EAL, and
/// prints a line each finding (JSON on standard output with --json). Returns the exit code: 1 when
/// something fails.
int run_doctor(const Options& options, const Arguments& arguments);

}  // namespace testbab
