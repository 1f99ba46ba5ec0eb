#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include <bab/base/error.hpp>

namespace testbab {

/// `text` as a whole number from lo to hi, or a bab::Error says what `what` takes.
template <class T>
T number(std::string_view text, std::string_view what, std::uint64_t lo, std::uint64_t hi) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || value < lo ||
      value > hi)
    throw bab::Error(
        fmt::format("{}: \"{}\" is not a whole number from {} to {}", what, text, lo, hi));
  return static_cast<T>(value);
}

}  // namespace testbab
