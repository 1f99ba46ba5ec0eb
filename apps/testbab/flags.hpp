#pragma once

#include <exception>
#include <string>

#include <bab/base/error.hpp>
#include <bab/doctor/doctor.hpp>

namespace testbab {

// The library speaks of settings. These add, in brackets, which of testbab's options sets that.

std::string with_flags(const std::exception& error);
std::string mend_with_flags(const bab::Finding& finding);

}  // namespace testbab
