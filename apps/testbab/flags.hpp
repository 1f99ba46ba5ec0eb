#pragma once

#include <exception>
#include <string>

#include <bab/base/error.hpp>
#include <bab/doctor/doctor.hpp>

namespace testbab {

// The library speaks of settings. These functions add, in brackets, the option of testbab that sets
// it.

std::string with_flags(const std::exception& error);
std::string mend_with_flags(const bab::Finding& finding);

}  // namespace testbab
