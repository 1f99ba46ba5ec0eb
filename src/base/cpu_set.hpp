#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bab::detail {

/// Reads a set of CPUs as the kernel and EAL write it: "0-3,8". Reading stops where the text is no
/// such set. A descending range such as 3-0 is empty or, with `either_way`, 0-3.
std::vector<unsigned> parse_set(std::string_view text, bool either_way = false);

/// Writes such a set: "0-2,5".
std::string as_set(const std::vector<unsigned>& ascending);

}  // namespace bab::detail
