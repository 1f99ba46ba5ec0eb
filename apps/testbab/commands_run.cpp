#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include <bab/base/drops.hpp>
#include <bab/base/error.hpp>

#include "command.hpp"
#include "console.hpp"
#include "number.hpp"

namespace testbab {
namespace {

void start(Console& console, const Words& words) {
  console.workbench().start(words.back() == "tx_first");
}

void stop(Console& console, const Words&) {
  if (!console.workbench().running())
    throw bab::Error("stop: nothing runs; start starts the engine of \"show config fwd\"");
  console.stop();
}

void wait(Console& console, const Words& words) {
  Workbench& workbench = console.workbench();
  const auto interrupted = [](Console::Wake wake) {
    if (wake == Console::Wake::kInterrupt) throw bab::Error("wait: interrupted");
    return wake == Console::Wake::kQuit;
  };
  if (words.size() > 1) {
    const auto seconds = command_number(words[1], "wait", 0, 86'400);
    const auto until = Console::Clock::now() + std::chrono::seconds(seconds);
    (void)interrupted(console.wait(-1, until));
    return;
  }
  if (!workbench.running()) throw bab::Error("wait: nothing runs; wait N waits for N seconds");
  while (workbench.running())
    if (interrupted(console.wait(-1, Console::Clock::now() + Run::kTick))) return;
}

void quit(Console& console, const Words&) { console.quit(); }

void load(Console& console, const Words& words) { console.load(words[1]); }

void help_drops(Console& console) {
  std::string text = "Why frames and messages are dropped, each counted once, under one reason:\n";
  for (std::size_t i = 1; i < bab::kDrops; ++i) {
    const auto reason = static_cast<bab::Drop>(i);
    text += fmt::format("  {:<17} {:<9} {}\n", bab::drop_name(reason),
                        bab::drop_unit(reason) == bab::DropUnit::kFrame ? "frames" : "messages",
                        bab::drop_sentence(reason));
  }
  console.print(text);
}

/// Whether one of a syntax's words begins with `word`.
bool is_about(std::string_view syntax, std::string_view word) {
  for (std::size_t at = 0; at < syntax.size();) {
    const std::size_t end = std::min(syntax.find_first_of(" (|)[]", at), syntax.size());
    if (syntax.substr(at, end - at).starts_with(word)) return true;
    at = end + 1;
  }
  return false;
}

void help(Console& console, const Words& words) {
  const std::string topic = words.size() > 1 ? words[1] : "";
  if (topic == "drops") return help_drops(console);
  constexpr std::size_t kColumn = 36;
  std::string text;
  for (const Command& command : commands()) {
    if (!topic.empty() && !is_about(command.syntax, topic)) continue;
    const bool is_long = command.syntax.size() > kColumn;
    text += fmt::format("  {:<{}}", command.syntax, kColumn);
    if (is_long) text += fmt::format("\n  {:<{}}", "", kColumn);
    text += fmt::format(" {}\n", command.help);
  }
  if (text.empty())
    throw bab::Error(fmt::format("help: no command has the word \"{}\"; help lists them", topic));
  if (topic.empty())
    text +=
        "In capitals: N a number, MODE an engine, FILE a path, WORD a command's. A # begins a "
        "comment.\nhelp drops explains every reason for a drop. Tab completes a word, ? says what "
        "may come.\n";
  console.print(text);
}

constexpr std::array kRunCommands{
    Command{"start [tx_first]",
            "start the engine; tx_first: send one burst before, to set going what only answers",
            start},
    Command{"stop", "stop the engine and say what became of every message", stop},
    Command{"wait [N]", "wait for the engine's end, or for N seconds (for scripts)", wait},
    Command{"quit", "stop everything and end", quit},
    Command{"load FILE", "run the commands of a file, one a line", load},
    Command{"help [WORD]", "list commands, those with a word, or with drops why frames are dropped",
            help},
};

}  // namespace

std::span<const Command> run_commands() { return kRunCommands; }

}  // namespace testbab
