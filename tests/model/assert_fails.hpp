#pragma once

#include <cstdlib>
#include <string>

#include "machine.hpp"

/// Replaces the C library's function. A run in which an assertion fails has found a fault.
extern "C" void __assert_fail(const char* what, const char* file, unsigned line,
                              const char*) noexcept {
  bab::test::model::Machine::fail(std::string(file) + ":" + std::to_string(line) + ": " + what);
  std::abort();
}
