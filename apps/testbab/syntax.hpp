#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace testbab {

/// What may stand in one place of a command: one of some words, or a value for a placeholder.
struct Element {
  std::vector<std::string> words;         ///< to be typed as they are; completion offers them
  std::vector<std::string> placeholders;  ///< "N", "FILE"

  [[nodiscard]] bool accepts(std::string_view word) const;
  /// All words that completion may offer: `words`, and those that placeholders stand for.
  [[nodiscard]] std::vector<std::string> choices() const;
  /// "start|stop", "N|all": for help and errors.
  [[nodiscard]] std::string text() const;
};

/// One way to write a command: an element for each word.
using Form = std::vector<Element>;

/// All forms of a command's syntax. Command explains how a syntax is written.
std::vector<Form> forms_of(std::string_view syntax);

}  // namespace testbab
