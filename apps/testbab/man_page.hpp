#pragma once

#include <string>

namespace testbab {

/// testbab(1) in man(7)'s form, made from the options, the engines and the table of commands.
std::string man_page();

}  // namespace testbab
