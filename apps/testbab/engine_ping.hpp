#pragma once

#include <memory>

#include "engine.hpp"

namespace testbab {

std::unique_ptr<Job> make_ping(const Options& options, Wiring& wiring);

}  // namespace testbab
