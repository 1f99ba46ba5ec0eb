#include "capture_request.hpp"

#include <cstdint>
#include <limits>
#include <stdexcept>

#include <fmt/format.h>

#include <bab/base/error.hpp>

#include "number.hpp"

namespace testbab {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw bab::Error(fmt::format("{}; after the file's name: {}", what, kCaptureSyntax));
}

/// The number after the word at `i`. `i` then is at the number.
template <class T>
T number_behind(const std::vector<std::string>& words, std::size_t& i, T least,
                T most = std::numeric_limits<T>::max()) {
  const std::string& name = words[i];
  if (++i >= words.size()) refuse(fmt::format("{}: a number is missing", name));
  try {
    return static_cast<T>(whole_number(words[i], least, most));
  } catch (const std::invalid_argument& e) {
    refuse(fmt::format("{}: {}", name, e.what()));
  }
}

}  // namespace

bab::CaptureOptions parse_capture(const std::vector<std::string>& words) {
  bab::CaptureOptions o;
  if (words.empty() || words[0].empty()) refuse("the file to capture to is missing");
  o.path = words[0];
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "both")
      o.direction = bab::CaptureDirection::kBoth;
    else if (word == "rx")
      o.direction = bab::CaptureDirection::kRx;
    else if (word == "tx")
      o.direction = bab::CaptureDirection::kTx;
    else if (word == "port")
      o.port = number_behind<std::uint16_t>(words, i, 0);
    else if (word == "udp")
      o.udp_port = number_behind<std::uint16_t>(words, i, 1);
    else if (word == "1" && i + 1 < words.size() && words[i + 1] == "in")
      o.one_in = number_behind<std::uint32_t>(words, ++i, 1);
    else if (word == "share")
      o.lcore_share = number_behind<unsigned>(words, i, 1, kMaxShare) / 100.0;
    else
      refuse(fmt::format("\"{}\" says nothing about a capture", word));
  }
  return o;
}

std::string capture_text(const std::string& path, const bab::CaptureStats& s) {
  std::string text = fmt::format("{} of {} frames in {}", s.written, s.wanted, path);
  if (s.missed > 0)
    text += fmt::format(
        ", {} missed since the file's writer was behind or its share of "
        "lcores' time was used up",
        s.missed);
  if (s.failed > 0) text += fmt::format(", {} not written", s.failed);
  return text;
}

}  // namespace testbab
