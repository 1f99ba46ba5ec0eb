#pragma once

#include <string>
#include <vector>

namespace bab::detail {

/// "1, 2 and 5" of numbers; also of words.
std::string enumerate(const std::vector<std::string>& items);
std::string enumerate(const std::vector<unsigned>& items);

}  // namespace bab::detail
