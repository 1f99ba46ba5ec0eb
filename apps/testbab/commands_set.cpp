#include <array>

#include <fmt/format.h>

#include <bab/base/error.hpp>

#include "command.hpp"
#include "console.hpp"
#include "number.hpp"

namespace testbab {
namespace {

/// Sets `option` to `value` as the command line does, with the same ranges and words.
void assign(Console& console, std::string_view command, std::string_view option,
            std::string_view value) {
  Options changed = console.workbench().options();
  if (const auto wrong = parse_options({fmt::format("{}={}", option, value)}, changed)) {
    std::string why = wrong->text.substr(0, wrong->text.find("; see testbab --help"));
    if (why.starts_with(option)) why.replace(0, option.size(), command);
    throw bab::Error(why);
  }
  console.workbench().options() = changed;
}

/// What was set, and when it takes effect.
void say(Console& console, const std::string& what) {
  console.print(
      fmt::format("{}{}\n", what, console.workbench().running() ? ", from the next start on" : ""));
}

void set_fwd(Console& console, const Words& words) {
  const Engine* engine = find_engine(words[2]);
  Options& options = console.workbench().options();
  // Options of the engine before go with it.
  if (engine != nullptr && !engine->makes_messages) options.rate.reset();
  if (words[2] != "replay" && options.engine == "replay") {
    options.replay.clear();
    options.speed.reset();
    options.keep_duplicates = false;
    options.repeat.reset();
  }
  assign(console, "set fwd", "--forward-mode", words[2]);
  say(console, fmt::format("Set {} packet forwarding mode", words[2]));
}

void set_burst(Console& console, const Words& words) {
  assign(console, "set burst", "--burst", words[2]);
  say(console, fmt::format("Number of packets per burst set to {}", words[2]));
}

void set_msgsizes(Console& console, const Words& words) {
  assign(console, "set msgsizes", "--msg-size", words[2]);
  say(console, fmt::format("messages of {} bytes", words[2]));
}

void set_rate(Console& console, const Words& words) {
  assign(console, "set rate", "--rate", words[2]);
  say(console, *console.workbench().options().rate == 0
                   ? std::string("messages as fast as they can be sent")
                   : fmt::format("{} messages per second", *console.workbench().options().rate));
}

void set_flush(Console& console, const Words& words) {
  std::string what = "frames leave when they are full";
  if (words[2] == "frame") {
    assign(console, "set flush", "--max-delay-us", "0");
    assign(console, "set flush", "--flush-messages", "0");
  } else if (words[3] == "messages") {
    (void)command_number(words[2], "set flush", 1, 65'534);
    assign(console, "set flush", "--flush-messages", words[2]);
    assign(console, "set flush", "--max-delay-us", "0");
    what = fmt::format("frames leave with {} messages, or full", words[2]);
  } else {
    (void)command_number(words[2], "set flush", 1, 60'000'000);
    assign(console, "set flush", "--max-delay-us", words[2]);
    assign(console, "set flush", "--flush-messages", "0");
    what = fmt::format("frames leave {} us after their first message, or full", words[2]);
  }
  say(console, what);
}

void set_verbose(Console& console, const Words& words) {
  const auto level = static_cast<unsigned>(command_number(words[2], "set verbose", 0, 2));
  console.workbench().set_verbose(level);
  console.print(fmt::format("Change verbose level to {}\n", level));
}

constexpr std::array kSetCommands{
    Command{"set fwd MODE", "choose the engine for the next start", set_fwd},
    Command{"set burst N", "frames per burst, 1 to 512, from the next start on", set_burst},
    Command{"set msgsizes N[,N…]",
            "bytes per message: one size, a range MIN-MAX, or some in turn, from the next start on",
            set_msgsizes},
    Command{"set rate N[k|M|G]", "messages per second, 0 for no limit, from the next start on",
            set_rate},
    Command{"set flush (frame|N messages|N us)",
            "let a frame go when it is full, has N messages, or N us after its first one, from the "
            "next start on",
            set_flush},
    Command{"set verbose N",
            "0: nothing unasked; 1: live rates every second; 2: a script's commands, too; at once",
            set_verbose},
};

}  // namespace

std::span<const Command> set_commands() { return kSetCommands; }

}  // namespace testbab
