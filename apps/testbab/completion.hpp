#pragma once

#include <string>

namespace testbab {

/// A bash function that completes testbab's arguments. It is made from the options and engines.
std::string bash_completion();

}  // namespace testbab
