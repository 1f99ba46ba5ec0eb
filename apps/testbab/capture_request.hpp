#pragma once

#include <string>
#include <vector>

#include <bab/capture/capture.hpp>

namespace testbab {

/// The words of a capture request, after the file's name.
inline constexpr const char* kCaptureSyntax =
    "[rx|tx|both] [port N] [udp N] [1 in N] [share PERCENT]";
/// Percent of lcores' time.
inline constexpr unsigned kMaxShare = 100;

/// `words`: those after "capture start", which are FILE, then any of kCaptureSyntax. Throws
/// bab::Error.
bab::CaptureOptions parse_capture(const std::vector<std::string>& words);

/// "12 of 14 frames in FILE, 2 missed, …".
std::string capture_text(const std::string& path, const bab::CaptureStats& stats);

}  // namespace testbab
