#pragma once

#include "workbench.hpp"

namespace testbab {

/// `--top`: a full-screen view on a terminal, until the run is over, a signal comes or the user
/// quits. Without a terminal: a line of rates each second. True: it was ended before the run was
/// over.
bool run_top(Workbench& workbench);

}  // namespace testbab
