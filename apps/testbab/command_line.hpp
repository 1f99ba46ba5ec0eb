#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"

namespace testbab {

/// A line that was parsed.
struct Parsed {
  const Command* command = nullptr;  ///< null: an empty line, or a comment
  Words words;
};

/// The table of commands for librte_cmdline, which parses and completes lines. Its tokens are made
/// from the syntaxes.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine();

  /// `line`: without its end. Throws bab::Error if it is no command, with the words that were
  /// expected.
  [[nodiscard]] Parsed parse(std::string_view line) const;

  /// For rdline: does what cmdline_complete() does.
  int complete(const char* buffer, int* state, char* out, unsigned size) const;

  /// Longest line, in bytes.
  static constexpr std::size_t kLongestLine = 511;  // RDLINE_BUF_SIZE - 1

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

}  // namespace testbab
