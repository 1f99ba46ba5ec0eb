#include "syntax.hpp"

#include <algorithm>
#include <cassert>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine.hpp"

namespace testbab {
namespace {

bool is_placeholder(std::string_view word) {
  return std::isupper(static_cast<unsigned char>(word.front())) != 0;
}

/// Reads a syntax; what isn't well formed is a mistake in the table, not the user's.
class SyntaxReader {
 public:
  explicit SyntaxReader(std::string_view text) : text_(text) {}

  /// Up to the end, a | or the bracket that closes.
  std::vector<Form> sequence() {
    std::vector<Form> forms{Form{}};
    while (true) {
      while (at_ < text_.size() && text_[at_] == ' ') ++at_;
      if (at_ == text_.size() || text_[at_] == '|' || text_[at_] == ')' || text_[at_] == ']')
        return forms;
      append(forms, item());
    }
  }

 private:
  std::vector<Form> item() {
    if (text_[at_] != '(' && text_[at_] != '[') return {Form{word()}};
    const bool optional = text_[at_] == '[';
    ++at_;
    std::vector<Form> forms = sequence();
    while (text_[at_] == '|') {
      ++at_;
      for (Form& form : sequence()) forms.push_back(std::move(form));
    }
    assert(text_[at_] == (optional ? ']' : ')'));
    ++at_;
    merge(forms);
    if (optional) forms.push_back(Form{});
    return forms;
  }

  Element word() {
    const std::size_t from = at_;
    int depth = 0;  // N[,N…] is one word
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '[') ++depth;
      if (depth == 0 && (c == ' ' || c == '|' || c == ')' || c == ']')) break;
      if (c == ']') --depth;
    }
    const std::string word(text_.substr(from, at_ - from));
    return is_placeholder(word) ? Element{{}, {word}} : Element{{word}, {}};
  }

  /// Alternatives of one word each are one element.
  static void merge(std::vector<Form>& forms) {
    Element all;
    std::vector<Form> longer;
    for (Form& form : forms)
      if (form.size() == 1) {
        all.words.insert(all.words.end(), form[0].words.begin(), form[0].words.end());
        all.placeholders.insert(all.placeholders.end(), form[0].placeholders.begin(),
                                form[0].placeholders.end());
      } else {
        longer.push_back(std::move(form));
      }
    forms.clear();
    if (!all.words.empty() || !all.placeholders.empty()) forms.push_back({all});
    for (Form& form : longer) forms.push_back(std::move(form));
  }

  static void append(std::vector<Form>& forms, const std::vector<Form>& ends) {
    std::vector<Form> all;
    for (const Form& form : forms)
      for (const Form& end : ends) {
        all.push_back(form);
        all.back().insert(all.back().end(), end.begin(), end.end());
      }
    forms = std::move(all);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

bool Element::accepts(std::string_view word) const {
  if (std::find(words.begin(), words.end(), word) != words.end()) return true;
  const auto stands_for = [word](const std::string& placeholder) {
    if (placeholder == "N" || placeholder == "M")
      return std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
    return true;  // the command knows better what is wrong with it
  };
  return std::any_of(placeholders.begin(), placeholders.end(), stands_for);
}

std::vector<std::string> Element::choices() const {
  std::vector<std::string> all = words;
  for (const std::string& placeholder : placeholders)
    if (placeholder == "MODE")
      for (const Engine* engine : engines()) all.emplace_back(engine->name);
  return all;
}

std::string Element::text() const {
  std::vector<std::string> all = placeholders;
  all.insert(all.end(), words.begin(), words.end());
  return fmt::format("{}", fmt::join(all, "|"));
}

std::vector<Form> forms_of(std::string_view syntax) { return SyntaxReader(syntax).sequence(); }

}  // namespace testbab
