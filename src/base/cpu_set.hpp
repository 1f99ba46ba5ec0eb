#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bab::detail {

/// "0-3,8" and the like, as the kernel and EAL write sets of CPUs; nonsense ends it. 3-0 is no CPU
/// or, `either_way`, 0-3.
std::vector<unsigned> parse_set(std::string_view text, bool either_way = false);

/// The same as text: "0-2,5".
std::string as_set(const std::vector<unsigned>& ascending);

}  // namespace bab::detail
