#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace testbab {

class Console;

/// What the user typed, a word each.
using Words = std::vector<std::string>;

/// A command: what prompt, scripts, completion, `help` and the man page know of it.
struct Command {
  /// Words of which (a|b|c) are to choose and [x] may be left out. In capitals, what the user puts
  /// in their place: N and M whole numbers, MODE an engine, FILE a path, WORD anything.
  std::string_view syntax;
  std::string_view help;  ///< a sentence
  /// Throws bab::Error: it can't be done, in one sentence with its mend.
  void (*run)(Console& console, const Words& words);
};

/// The table. testpmd's words do what they do there.
std::span<const Command> commands();

// Its parts.
std::span<const Command> run_commands();      // start, stop, wait, quit, load, help
std::span<const Command> port_commands();     // port, show port, clear port
std::span<const Command> show_commands();     // show fwd, config, bus, pinned
std::span<const Command> set_commands();      // set
std::span<const Command> capture_commands();  // capture, show capture

/// Whether the last word is `json`, as of every `show`.
inline bool wants_json(const Words& words) { return words.back() == "json"; }

}  // namespace testbab
