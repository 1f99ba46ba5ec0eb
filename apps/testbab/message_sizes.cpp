#include "message_sizes.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include <fmt/format.h>

#include "number.hpp"

namespace testbab {
namespace {

std::uint32_t number(std::string_view text, std::uint32_t lowest) {
  return static_cast<std::uint32_t>(whole_number(text, lowest, MessageSizes::kMax));
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

MessageSizes::MessageSizes(std::span<const Share> mix) : MessageSizes(0) {
  if (mix.empty() || mix.size() > kMaxShares)
    throw std::invalid_argument(
        fmt::format("a mix has 1 to {} sizes, not {}", kMaxShares, mix.size()));
  std::uint32_t divisor = 0;
  for (const Share& s : mix) {
    if (s.weight == 0) throw std::invalid_argument("a size of weight 0 never comes");
    divisor = std::gcd(divisor, s.weight);
  }
  std::uint64_t sum = 0;
  for (const Share& s : mix) sum += s.weight / divisor;
  if (sum > kLongestRound)
    throw std::invalid_argument(
        fmt::format("the weights add up to {}, more than {}", sum, kLongestRound));
  // Smooth weighted round-robin: each place gets the size that is furthest behind its share.
  const auto round = static_cast<std::int64_t>(sum);
  auto table = std::make_shared<std::vector<std::uint16_t>>();
  std::vector<std::int64_t> behind(mix.size());
  for (std::int64_t place = 0; place < round; ++place) {
    for (std::size_t i = 0; i < mix.size(); ++i) behind[i] += mix[i].weight / divisor;
    const auto next = std::max_element(behind.begin(), behind.end());
    *next -= round;
    table->push_back(
        static_cast<std::uint16_t>(mix[static_cast<std::size_t>(next - behind.begin())].size));
  }
  const auto [least, most] = std::minmax_element(table->begin(), table->end());
  min_ = *least;
  max_ = *most;
  span_ = max_ - min_ + 1;
  round_ = std::move(table);
}

MessageSizes MessageSizes::parse(std::string_view text) {
  if (text.find(',') != std::string_view::npos) {
    std::vector<Share> in_turn;
    for (std::string_view size : split(text)) in_turn.push_back({number(size, 0), 1});
    return MessageSizes(in_turn);
  }
  const std::size_t dash = text.find('-');
  const std::uint32_t min = number(text.substr(0, dash), 0);
  if (dash == std::string_view::npos) return MessageSizes(min);
  const std::uint32_t max = number(text.substr(dash + 1), 0);
  if (min > max) throw std::invalid_argument(fmt::format("{} is larger than {}", min, max));
  return {min, max};
}

MessageSizes MessageSizes::parse_mix(std::string_view text) {
  std::vector<Share> mix;
  for (std::string_view share : split(text)) {
    const std::size_t colon = share.find(':');
    if (colon == std::string_view::npos)
      throw std::invalid_argument(fmt::format("\"{}\" is not of the form SIZE:WEIGHT", share));
    mix.push_back({number(share.substr(0, colon), 0), number(share.substr(colon + 1), 1)});
  }
  return MessageSizes(mix);
}

}  // namespace testbab
