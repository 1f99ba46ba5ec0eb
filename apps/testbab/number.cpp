#include "number.hpp"

#include <charconv>
#include <stdexcept>

#include <fmt/format.h>

#include <bab/base/error.hpp>

namespace testbab {

std::uint64_t whole_number(std::string_view text, std::uint64_t lo, std::uint64_t hi) {
  std::uint64_t value = 0;
  const char* const behind = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), behind, value);
  if (error != std::errc() || end != behind || value < lo || value > hi)
    throw std::invalid_argument(
        fmt::format("\"{}\" is not a whole number from {} to {}", text, lo, hi));
  return value;
}

std::uint64_t command_number(std::string_view text, std::string_view what, std::uint64_t lo,
                             std::uint64_t hi) {
  try {
    return whole_number(text, lo, hi);
  } catch (const std::invalid_argument& e) {
    throw bab::Error(fmt::format("{}: {}", what, e.what()));
  }
}

}  // namespace testbab
