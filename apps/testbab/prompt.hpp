#pragma once

#include <memory>
#include <string>

#include "console.hpp"

struct rdline;

namespace testbab {

/// The prompt `testbab>` on a terminal. It is librte_cmdline's line editor, with history,
/// completion and help by key.
///
/// Ctrl-C clears the line; if the line is empty, it stops the engine that runs. Ctrl-D on an empty
/// line, SIGTERM, and a terminal that goes away do what `quit` does.
class Prompt {
 public:
  /// `console` must outlive it. Standard input is in raw mode as long as the object lives.
  explicit Prompt(Console& console);
  Prompt(const Prompt&) = delete;
  Prompt& operator=(const Prompt&) = delete;
  ~Prompt();

  /// Reads and runs commands until the user quits.
  void run();

 private:
  struct Terminal;
  struct RdlineDeleter {
    void operator()(rdline* r) const noexcept;
  };

  void read();
  void take(char c);
  void interrupt();
  void execute(const std::string& line);
  void new_line();

  Console& console_;
  std::unique_ptr<Terminal> terminal_;
  std::unique_ptr<rdline, RdlineDeleter> rdline_;
  std::string line_;     // what was entered
  bool editing_ = true;  // a prompt is on the screen, with the cursor after it
};

}  // namespace testbab
