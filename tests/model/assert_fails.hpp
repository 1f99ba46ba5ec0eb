#pragma once

#include <cstdlib>
#include <string>

#include "machine.hpp"

/// In place of the C library's: an assertion that fails in a run is what the run was for.
extern "C" void __assert_fail(const char* what, const char* file, unsigned line,
                              const char*) noexcept {
  bab::test::model::Machine::fail(std::string(file) + ":" + std::to_string(line) + ": " + what);
  std::abort();
}
