#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <bab/wire/ethernet.hpp>

#include "message_sizes.hpp"

// Values of options, from their text. Each throws CLI11's ValidationError: the option, the text and
// what was expected.
namespace testbab {

/// A whole number from lo to hi.
std::uint64_t number_value(std::string_view text, std::string_view option, std::uint64_t lo,
                           std::uint64_t hi);

/// Messages per second: "500", "20k", "1.5M".
std::uint64_t rate_value(std::string_view text, std::string_view option);

/// "A,B" as A and B; `form`, as the error names it: "SRC,DST".
std::pair<std::string, std::string> pair_value(const std::string& text, std::string_view option,
                                               std::string_view form);

/// An IPv4 address, in host byte order.
std::uint32_t ip_value(const std::string& text, std::string_view option);

bab::wire::MacAddress mac_value(const std::string& text, std::string_view option);

/// `parse`: MessageSizes::parse or MessageSizes::parse_mix.
MessageSizes sizes_value(MessageSizes (*parse)(std::string_view), const std::string& text,
                         std::string_view option);

/// `text` is none of these words: "auto, hw, sw".
[[noreturn]] void throw_none_of(const std::string& words, std::string_view text,
                                std::string_view option);

/// The value of one of a few words.
template <class T>
T choice_value(const std::map<std::string, T>& words, const std::string& text,
               std::string_view option) {
  if (const auto found = words.find(text); found != words.end()) return found->second;
  std::string all;
  for (const auto& [word, value] : words) all += (all.empty() ? "" : ", ") + word;
  throw_none_of(all, text, option);
}

}  // namespace testbab
