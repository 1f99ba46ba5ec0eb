#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace testbab {

class Console;

/// The words that the user typed.
using Words = std::vector<std::string>;

/// A command, as prompt, scripts, completion, `help` and the man page know it.
struct Command {
  /// (a|b|c): one of these words. [x]: may be left out. A word in capitals stands for what the user
  /// types: N and M whole numbers, MODE an engine, FILE a path, WORD anything.
  std::string_view syntax;
  std::string_view help;  ///< a sentence
  /// Throws bab::Error if the command can't be done: one sentence with its mend.
  void (*run)(Console& console, const Words& words);
};

/// The table of commands. Words of testpmd do what they do there.
std::span<const Command> commands();

// Its parts.
std::span<const Command> run_commands();      // start, stop, wait, quit, load, help
std::span<const Command> port_commands();     // port, show port, clear port
std::span<const Command> show_commands();     // show fwd, config, bus, pinned
std::span<const Command> set_commands();      // set
std::span<const Command> capture_commands();  // capture, show capture

/// Whether the last word is `json`, which every `show` takes.
inline bool wants_json(const Words& words) { return words.back() == "json"; }

}  // namespace testbab
