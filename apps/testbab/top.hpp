#pragma once

#include "session.hpp"

namespace testbab {

/// `--top`: until the run is over, a signal comes or the user has enough, a full-screen view on a
/// terminal; lines of rates, a second each, elsewhere. True: it was ended before it was over.
bool run_top(Session& session);

}  // namespace testbab
