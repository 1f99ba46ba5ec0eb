#pragma once

#include <string>

namespace testbab {

/// testbab(1) as man(7) wants it, made from the options, the engines and the table of commands.
std::string man_page();

}  // namespace testbab
