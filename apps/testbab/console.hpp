#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "command_line.hpp"
#include "session.hpp"

namespace testbab {

/// Where commands come in and what they say goes out, whoever types them: a person at the prompt, a
/// script or a pipe. Main thread.
class Console {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Wake {
    kInput,      ///< the file descriptor can be read
    kInterrupt,  ///< Ctrl-C at the prompt
    kTimeout,
    kQuit,  ///< a signal, or nobody is left to read what we say
  };

  /// Both must outlive it. `keep_going`: scripts go on behind a command that failed.
  Console(Session& session, std::FILE* out, bool keep_going);

  /// Runs one command. Throws bab::Error: it is none, or it failed.
  void execute(std::string_view line);
  /// Runs a file's commands, one a line. Throws bab::Error with file and line of the one that
  /// failed, unless it shall keep going.
  void load(const std::string& path);
  /// The same for a file that is open: what `name` says in errors. Ends with it, or on quit.
  void load(int fd, const std::string& name);

  /// Sleeps until there is something to do; meanwhile the present run goes on, and ends where it is
  /// over. `fd` -1: nothing to read.
  Wake wait(int fd, std::optional<Clock::time_point> until = std::nullopt);

  /// Stops the present run and says what came of it.
  void stop(bool interrupted = false);

  void quit() noexcept { quitting_ = true; }
  [[nodiscard]] bool quitting() const noexcept { return quitting_; }

  /// What a command says.
  void print(const std::string& text);
  /// The same as a document on one line.
  void print_json(const nlohmann::ordered_json& members);
  [[nodiscard]] std::FILE* out() const noexcept { return out_; }
  /// What is said unasked: around it, `before` and `after` may clear and redraw a line that is
  /// being edited.
  void announce(const std::string& text);
  void around_announcements(std::function<void()> before, std::function<void()> after);

  /// Commands of scripts that failed.
  [[nodiscard]] unsigned failures() const noexcept { return failures_; }
  [[nodiscard]] bool output_lost() const noexcept { return output_lost_; }

  [[nodiscard]] Session& session() noexcept { return session_; }
  [[nodiscard]] const CommandLine& command_line() const noexcept { return command_line_; }

 private:
  void flush();

  Session& session_;
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
