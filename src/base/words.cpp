#include "words.hpp"

#include <cstddef>

#include <fmt/format.h>

namespace bab::detail {

std::string enumerate(const std::vector<std::string>& items) {
  std::string all;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) all += i + 1 < items.size() ? ", " : " and ";
    all += items[i];
  }
  return all;
}

std::string enumerate(const std::vector<unsigned>& items) {
  std::vector<std::string> words;
  for (unsigned i : items) words.push_back(fmt::to_string(i));
  return enumerate(words);
}

}  // namespace bab::detail
