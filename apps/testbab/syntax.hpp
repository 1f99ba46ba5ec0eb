#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace testbab {

/// What may stand in one place of a command: one of some words, or of what placeholders stand for.
struct Element {
  std::vector<std::string> words;         ///< as they are, for completion, too
  std::vector<std::string> placeholders;  ///< "N", "FILE"

  [[nodiscard]] bool accepts(std::string_view word) const;
  /// Every word that can be completed to: its own, and those that placeholders stand for.
  [[nodiscard]] std::vector<std::string> choices() const;
  /// "start|stop", "N|all": for help and errors.
  [[nodiscard]] std::string text() const;
};

/// One way to write a command: an element per word.
using Form = std::vector<Element>;

/// All forms of a command's syntax (Command says how it is written).
std::vector<Form> forms_of(std::string_view syntax);

}  // namespace testbab
