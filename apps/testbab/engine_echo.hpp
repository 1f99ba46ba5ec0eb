#pragma once

#include <memory>

#include "engine.hpp"

namespace testbab {

std::unique_ptr<Job> make_echo(const Options& options, Wiring& wiring);

}  // namespace testbab
