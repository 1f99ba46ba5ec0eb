#include "completion.hpp"

#include <cctype>
#include <string_view>

#include <fmt/format.h>

#include "engine.hpp"
#include "options.hpp"

namespace testbab {
namespace {

/// What may stand for an option's value, as bash's compgen takes it; empty: nobody knows.
std::string values_of(const OptionHelp& option) {
  if (option.value == "FILE") return "-f";
  std::string words;
  if (option.value == "ENGINE") {
    for (const Engine* e : engines())
      words += fmt::format("{}{}", words.empty() ? "" : " ", e->name);
  } else if (option.value.find('|') != std::string::npos &&
             std::islower(static_cast<unsigned char>(option.value.front())) != 0) {
    words = option.value;
    for (char& c : words)
      if (c == '|') c = ' ';
  }
  return words.empty() ? "" : fmt::format("-W '{}'", words);
}

}  // namespace

std::string bash_completion() {
  std::string all, cases;
  for (const OptionHelp& option : option_list()) {
    std::string_view names = option.names;
    while (!names.empty()) {
      const std::size_t comma = std::min(names.find(','), names.size());
      const std::string_view name = names.substr(0, comma);
      names.remove_prefix(std::min(comma + 1, names.size()));
      if (!name.starts_with("--")) continue;
      all += fmt::format("{}{}{}", all.empty() ? "" : " ", name, option.value.empty() ? "" : "=");
      if (const std::string values = values_of(option); !values.empty())
        cases += fmt::format("    {}) COMPREPLY=($(compgen {} -- \"$word\")); return ;;\n", name,
                             values);
    }
  }
  // = parts words: --forward-mode=lo comes as three.
  return fmt::format(R"(# bash completion for testbab, made by testbab --bash-completion
_testbab() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} option=${{COMP_WORDS[COMP_CWORD-1]}}
  if [[ $word == = ]]; then
    word=
  elif [[ $option == = ]]; then
    option=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  case $option in
{})",
                     cases) +
         fmt::format(R"(  esac
  COMPREPLY=($(compgen -W '{}' -- "$word"))
  [[ ${{COMPREPLY[0]}} == *= ]] && compopt -o nospace 2>/dev/null
  return 0
}}
complete -o bashdefault -o default -F _testbab testbab
)",
                     all);
}

}  // namespace testbab
