#include "option_values.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "number.hpp"

namespace testbab {

std::uint64_t number_value(std::string_view text, std::string_view option, std::uint64_t lo,
                           std::uint64_t hi) {
  try {
    return whole_number(text, lo, hi);
  } catch (const std::invalid_argument& e) {
    throw CLI::ValidationError(fmt::format("{}: {}", option, e.what()));
  }
}

std::uint64_t rate_value(std::string_view text, std::string_view option) {
  constexpr double kMax = 1e9;
  const auto wrong = [&] {
    return CLI::ValidationError(fmt::format(
        "{}: \"{}\" is not a whole number from 0 to 1G of messages per second, as in 500, 20k or "
        "1.5M",
        option, text));
  };
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc() || end - unit > 1) throw wrong();
  if (unit != end) {
    constexpr std::string_view kUnits = "kMG";
    const std::size_t at = kUnits.find(*unit);
    if (at == std::string_view::npos) throw wrong();
    value *= std::pow(1000, static_cast<double>(at + 1));
  }
  // Written so that infinity and NaN are refused, too.
  if (!(value >= 0 && value <= kMax) || std::abs(value - std::round(value)) > 1e-6) throw wrong();
  return static_cast<std::uint64_t>(std::llround(value));
}

std::pair<std::string, std::string> pair_value(const std::string& text, std::string_view option,
                                               std::string_view form) {
  const std::size_t at = text.find(',');
  if (at == std::string::npos)
    throw CLI::ValidationError(fmt::format("{}: \"{}\" is not of the form {}", option, text, form));
  return {text.substr(0, at), text.substr(at + 1)};
}

std::uint32_t ip_value(const std::string& text, std::string_view option) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1)
    throw CLI::ValidationError(fmt::format("{}: \"{}\" is not an IPv4 address", option, text));
  return ntohl(address.s_addr);
}

bab::wire::MacAddress mac_value(const std::string& text, std::string_view option) {
  std::array<unsigned, 6> b{};
  int used = 0;
  const int n = std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3],
                            &b[4], &b[5], &used);
  if (n != 6 || static_cast<std::size_t>(used) != text.size())
    throw CLI::ValidationError(
        fmt::format("{}: \"{}\" is not a MAC address like 02:00:00:00:00:01", option, text));
  bab::wire::MacAddress mac{};
  for (std::size_t i = 0; i < mac.size(); ++i) mac[i] = static_cast<std::uint8_t>(b[i]);
  return mac;
}

MessageSizes sizes_value(MessageSizes (*parse)(std::string_view), const std::string& text,
                         std::string_view option) {
  try {
    return parse(text);
  } catch (const std::invalid_argument& e) {
    throw CLI::ValidationError(fmt::format("{}: {}", option, e.what()));
  }
}

void throw_none_of(const std::string& words, std::string_view text, std::string_view option) {
  throw CLI::ValidationError(fmt::format("{}: \"{}\" is none of {}", option, text, words));
}

}  // namespace testbab
