#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "command_line.hpp"
#include "workbench.hpp"

namespace testbab {

/// Runs commands and prints what they say. Commands come from a person at the prompt, a script or a
/// pipe. Main thread.
class Console {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Wake {
    kInput,      ///< the file descriptor can be read
    kInterrupt,  ///< Ctrl-C at the prompt
    kTimeout,
    kQuit,  ///< a signal, or nobody reads our output any more
  };

  /// Both must outlive it. `keep_going`: scripts go on after a command that failed.
  Console(Workbench& workbench, std::FILE* out, bool keep_going);

  /// Runs one command. Throws bab::Error: there is no such command, or it failed.
  void execute(std::string_view line);
  /// Runs a file's commands, one a line. Throws bab::Error with file and line of a command that
  /// failed, unless `keep_going`.
  void load(const std::string& path);
  /// The same for an open file, which errors call `name`. Ends at the file's end, or on quit.
  void load(int fd, const std::string& name);

  /// Sleeps until there is something to do. Meanwhile the present run goes on; it is stopped when
  /// it is over. `fd`: may be read; -1: none.
  Wake wait(int fd, std::optional<Clock::time_point> until = std::nullopt);

  /// Stops the present run and prints its summary.
  void stop(bool interrupted = false);

  void quit() noexcept { quitting_ = true; }
  [[nodiscard]] bool quitting() const noexcept { return quitting_; }

  /// Prints what a command says.
  void print(const std::string& text);
  /// Prints a JSON document on one line.
  void print_json(const nlohmann::ordered_json& members);
  [[nodiscard]] std::FILE* out() const noexcept { return out_; }
  /// For text that no command asked for: `before` and `after` are called around it, to clear and
  /// redraw a line that is being edited.
  void announce(const std::string& text);
  void around_announcements(std::function<void()> before, std::function<void()> after);

  /// How many commands of scripts failed.
  [[nodiscard]] unsigned failures() const noexcept { return failures_; }
  [[nodiscard]] bool output_lost() const noexcept { return output_lost_; }

  [[nodiscard]] Workbench& workbench() noexcept { return workbench_; }
  [[nodiscard]] const CommandLine& command_line() const noexcept { return command_line_; }

 private:
  void flush();

  Workbench& workbench_;
  std::FILE* out_;
  bool keep_going_;
  CommandLine command_line_;
  std::function<void()> before_ = [] {};
  std::function<void()> after_ = [] {};
  unsigned depth_ = 0;  // of files that load others
  unsigned failures_ = 0;
  bool quitting_ = false;
  bool output_lost_ = false;
};

}  // namespace testbab
