#pragma once

#include <memory>

#include "engine.hpp"

namespace testbab {

std::unique_ptr<Job> make_replay(const Options& options, Wiring& wiring);

}  // namespace testbab
