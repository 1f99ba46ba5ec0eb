#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "capture_request.hpp"
#include "command.hpp"
#include "console.hpp"
#include "report_json.hpp"

namespace testbab {
namespace {

void start_capture(Console& console, const Words& words) {
  console.workbench().start_capture(parse_capture({words.begin() + 2, words.end()}));
  console.print(fmt::format("capturing to {}\n", words[2]));
}

void stop_capture(Console& console, const Words&) {
  const CaptureSummary done = console.workbench().stop_capture();
  console.print(fmt::format("captured {}\n", capture_text(done.path, done.stats)));
}

void show_capture(Console& console, const Words& words) {
  const bab::Capture* capture = console.workbench().capture();
  if (wants_json(words)) {
    nlohmann::ordered_json json{{"running", capture != nullptr}};
    if (capture != nullptr) json.update(capture_json({capture->path(), capture->stats()}));
    console.print_json(json);
  } else if (capture != nullptr) {
    console.print(fmt::format("  so far {}\n", capture_text(capture->path(), capture->stats())));
  } else {
    console.print("  nothing is captured\n");
  }
}

constexpr std::array kCaptureCommands{
    Command{"capture start FILE [rx|tx|both] [port N] [udp N] [1 in N] [share PERCENT]",
            "write passing frames to a pcapng file: of one direction, port or UDP port, or 1 in N "
            "of them; for lcores' idle time and a share of their work, 2 if not said, without "
            "bound at 100",
            start_capture},
    Command{"capture stop", "end the capture and say how much of it is in the file", stop_capture},
    Command{"show capture [json]", "how far the capture is", show_capture},
};

}  // namespace

std::span<const Command> capture_commands() { return kCaptureCommands; }

}  // namespace testbab
