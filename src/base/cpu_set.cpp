#include "cpu_set.hpp"

#include <charconv>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

namespace bab::detail {

std::vector<unsigned> parse_set(std::string_view text, bool either_way) {
  constexpr unsigned kMax = 4096;
  std::vector<unsigned> set;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    unsigned first = 0, last = 0;
    auto [next, error] = std::from_chars(at, end, first);
    if (error != std::errc() || first >= kMax) break;
    last = first;
    if (next < end && *next == '-') {
      const auto range = std::from_chars(next + 1, end, last);
      if (range.ec != std::errc() || last >= kMax) break;
      next = range.ptr;
      if (either_way && last < first) std::swap(first, last);
    }
    for (unsigned i = first; i <= last; ++i) set.push_back(i);
    if (next >= end || *next != ',') break;
    at = next + 1;
  }
  return set;
}

std::string as_set(const std::vector<unsigned>& ascending) {
  std::string text;
  for (std::size_t i = 0; i < ascending.size();) {
    std::size_t end = i;
    while (end + 1 < ascending.size() && ascending[end + 1] == ascending[end] + 1) ++end;
    if (!text.empty()) text += ',';
    text += end == i ? fmt::format("{}", ascending[i])
                     : fmt::format("{}-{}", ascending[i], ascending[end]);
    i = end + 1;
  }
  return text;
}

}  // namespace bab::detail
