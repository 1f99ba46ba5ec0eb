#include "command_line.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <set>

#include <cmdline.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bab/base/error.hpp>

#include "syntax.hpp"

namespace testbab {
namespace {

/// Where a token's word goes in the result that cmdline_parse() fills.
constexpr unsigned kWordBytes = CommandLine::kLongestLine + 1;
constexpr std::size_t kMaxWords = CMDLINE_PARSE_RESULT_BUFSIZE / kWordBytes;

/// librte_cmdline knows only its header, which must come first.
struct Token {
  cmdline_token_hdr header;
  Element element;
};

std::string_view word_at(const char* text) {
  std::size_t n = 0;
  while (cmdline_isendoftoken(text[n]) == 0) ++n;
  return {text, n};
}

Element& element_of(cmdline_parse_token_hdr_t* token) {
  return reinterpret_cast<Token*>(token)->element;
}

int parse_token(cmdline_parse_token_hdr_t* token, const char* text, void* result, unsigned size) {
  const std::string_view word = word_at(text);
  if (word.empty() || word.size() >= kWordBytes || !element_of(token).accepts(word)) return -1;
  if (result != nullptr) {
    if (size < kWordBytes) return -1;
    std::memcpy(result, word.data(), word.size());
    static_cast<char*>(result)[word.size()] = '\0';
  }
  return static_cast<int>(word.size());
}

int copy(const std::string& text, char* out, unsigned size) {
  if (text.size() >= size) return -1;
  std::memcpy(out, text.c_str(), text.size() + 1);
  return 0;
}

int choices_of_token(cmdline_parse_token_hdr_t* token) {
  return static_cast<int>(element_of(token).choices().size());
}

int choice_of_token(cmdline_parse_token_hdr_t* token, int i, char* out, unsigned size) {
  return copy(element_of(token).choices().at(static_cast<std::size_t>(i)), out, size);
}

int help_of_token(cmdline_parse_token_hdr_t* token, char* out, unsigned size) {
  const std::string text = element_of(token).text();
  return copy(text.substr(0, size - 1), out, size);
}

cmdline_token_ops token_ops{parse_token, choices_of_token, choice_of_token, help_of_token};

struct CommandForm {
  const Command* command;
  Form form;
};

/// What cmdline_parse() found. Its callback only takes notes: an exception must not pass through C
/// code.
struct Match {
  const CommandForm* found = nullptr;
  Words words;
};

/// A # begins a comment, as in librte_cmdline, which doesn't export its own function for this.
bool ends_command(char c) { return c == '\0' || c == '#' || c == '\n' || c == '\r'; }

std::vector<std::string_view> words_of(const std::string& line) {
  std::vector<std::string_view> words;
  for (const char* at = line.c_str(); !ends_command(*at);) {
    const std::string_view word = word_at(at);
    if (!word.empty()) words.push_back(word);
    at += word.empty() ? 1 : word.size();
  }
  return words;
}

}  // namespace

struct CommandLine::Tables {
  struct InstDeleter {
    void operator()(cmdline_inst* inst) const noexcept { std::free(inst); }
  };
  struct CmdlineDeleter {
    void operator()(cmdline* c) const noexcept { cmdline_free(c); }
  };
  /// What an instruction's callback gets.
  struct Note {
    Match* match;
    CommandForm form;
  };

  std::deque<Token> tokens;  // stay where they are
  std::deque<Note> notes;
  std::vector<std::unique_ptr<cmdline_inst, InstDeleter>> insts;
  std::vector<cmdline_inst*> context;
  std::vector<cmdline_inst*>
      whole;  // without forms that others continue: completion lists each word once
  std::unique_ptr<cmdline, CmdlineDeleter> cl;
  std::unique_ptr<cmdline, CmdlineDeleter> completion;
  Match match;

  void add(const Command& command, const Form& form, bool is_whole) {
    if (form.size() > kMaxWords) throw bab::Error("a command of more words than cmdline takes");
    notes.push_back({&match, {&command, form}});
    const std::size_t bytes = sizeof(cmdline_inst) + (form.size() + 1) * sizeof(void*);
    auto* inst = static_cast<cmdline_inst*>(std::calloc(1, bytes));
    if (inst == nullptr) throw std::bad_alloc();
    insts.emplace_back(inst);
    inst->f = [](void* result, cmdline*, void* data) {
      const Note& note = *static_cast<Note*>(data);
      note.match->found = &note.form;
      for (std::size_t i = 0; i < note.form.form.size(); ++i)
        note.match->words.emplace_back(static_cast<const char*>(result) + i * kWordBytes);
    };
    inst->data = &notes.back();
    inst->help_str = command.help.data();
    for (std::size_t i = 0; i < form.size(); ++i) {
      tokens.push_back({{&token_ops, static_cast<unsigned>(i) * kWordBytes}, form[i]});
      inst->tokens[i] = &tokens.back().header;
    }
    context.push_back(inst);
    if (is_whole) whole.push_back(inst);
  }

  /// Why `words` are no command: the words up to where they fit one, the word that doesn't fit, and
  /// the words that would.
  [[nodiscard]] std::string expectation(const std::vector<std::string_view>& words) const {
    std::size_t best = 0;
    for (const Note& note : notes) best = std::max(best, matched(note.form.form, words));
    const auto all = [&](const auto& list) { return fmt::format("{}", fmt::join(list, " ")); };
    if (best == 0) return fmt::format("\"{}\" is no command; help lists them", words[0]);
    const std::vector<std::string_view> before(words.begin(),
                                               words.begin() + static_cast<std::ptrdiff_t>(best));
    std::set<std::string> next;
    for (const Note& note : notes)
      if (const Form& form = note.form.form; form.size() > best && matched(form, words) == best) {
        const Element& e = form[best];
        next.insert(e.words.begin(), e.words.end());
        next.insert(e.placeholders.begin(), e.placeholders.end());
      }
    if (next.empty())
      return fmt::format("{}: unexpected word \"{}\"; the command ends before it", all(before),
                         words[best]);
    const std::string wrong = best == words.size()
                                  ? "a word is missing"
                                  : fmt::format("unknown word \"{}\"", words[best]);
    return fmt::format("{}: {}; expected {}", all(before), wrong, fmt::join(next, ", "));
  }

  static std::size_t matched(const Form& form, const std::vector<std::string_view>& words) {
    std::size_t n = 0;
    while (n < form.size() && n < words.size() && form[n].accepts(words[n])) ++n;
    return n;
  }
};

CommandLine::CommandLine() : tables_(std::make_unique<Tables>()) {
  for (const Command& command : commands()) {
    const std::vector<Form> forms = forms_of(command.syntax);
    for (const Form& form : forms) {
      const bool goes_on = std::any_of(forms.begin(), forms.end(), [&](const Form& longer) {
        return longer.size() > form.size() &&
               std::equal(form.begin(), form.end(), longer.begin(),
                          [](const Element& a, const Element& b) { return a.text() == b.text(); });
      });
      tables_->add(command, form, !goes_on);
    }
  }
  const auto make = [](std::vector<cmdline_inst*>& context) {
    context.push_back(nullptr);
    cmdline* const made = cmdline_new(context.data(), "", -1, -1);
    if (made == nullptr) throw bab::Error("librte_cmdline gave no command line: out of memory");
    return made;
  };
  tables_->cl.reset(make(tables_->context));
  tables_->completion.reset(make(tables_->whole));
}

CommandLine::~CommandLine() = default;

Parsed CommandLine::parse(std::string_view text) const {
  if (text.size() >= kLongestLine)
    throw bab::Error(fmt::format("the line has {} bytes, and one has at most {}", text.size(),
                                 kLongestLine - 1));
  if (text.find('\0') != std::string_view::npos)
    throw bab::Error("the line has a byte of 0 in it; commands are text");
  const std::string line = std::string(text).append("\n");
  const std::vector<std::string_view> words = words_of(line);
  if (words.empty()) return {};
  Match& match = tables_->match;
  match = {};
  (void)cmdline_parse(tables_->cl.get(), line.c_str());
  if (match.found == nullptr) throw bab::Error(tables_->expectation(words));
  return {match.found->command, std::move(match.words)};
}

int CommandLine::complete(const char* buffer, int* state, char* out, unsigned size) const {
  return cmdline_complete(tables_->completion.get(), buffer, state, out, size);
}

}  // namespace testbab
