#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bab::detail {

/// The number at the beginning of `text`, such as 512 in "512,0", without a sign or 0x. Empty:
/// there is none, or it is 2^64 or more.
inline std::optional<std::uint64_t> leading_number(std::string_view text, int base = 10) noexcept {
  std::uint64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value, base).ec != std::errc())
    return std::nullopt;
  return value;
}

}  // namespace bab::detail
