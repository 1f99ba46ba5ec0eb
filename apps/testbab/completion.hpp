#pragma once

#include <string>

namespace testbab {

/// A bash function that completes testbab's arguments, made from the options and the engines.
std::string bash_completion();

}  // namespace testbab
