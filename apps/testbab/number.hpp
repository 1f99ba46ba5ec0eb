#pragma once

#include <cstdint>
#include <string_view>

namespace testbab {

/// `text` as a whole number from lo to hi. Throws std::invalid_argument: "\"x\" is not a whole
/// number from 1 to 9".
std::uint64_t whole_number(std::string_view text, std::uint64_t lo, std::uint64_t hi);

/// The same for an argument of a command: throws a bab::Error that begins with `what`.
std::uint64_t command_number(std::string_view text, std::string_view what, std::uint64_t lo,
                             std::uint64_t hi);

}  // namespace testbab
