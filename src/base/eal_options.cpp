#include "eal_options.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include <bab/base/error.hpp>

#include "../detail/dpdk/eal_options.hpp"
#include "words.hpp"

namespace bab::detail {
namespace {

using dpdk::EalOption;
using dpdk::Takes;

constexpr auto kOptions = dpdk::eal_options();

[[noreturn]] void refuse(const std::string& why, std::string_view mend) {
  throw Error(fmt::format("starting EAL: {}; {}", why, mend));
}

[[noreturn]] void refuse(const std::string& why) {
  throw Error(fmt::format("starting EAL: {}; {}", why, kListsOptions), Setting::kEalArguments);
}

const EalOption* of_letter(char letter) {
  const auto found = std::find_if(kOptions.begin(), kOptions.end(),
                                  [&](const EalOption& o) { return o.letter == letter; });
  return found != kOptions.end() && letter != 0 ? &*found : nullptr;
}

/// Finds an option by its whole name or, where EAL allows it, by a beginning that no other option
/// has.
const EalOption& of_name(std::string_view name) {
  std::vector<const EalOption*> fit;
  for (const EalOption& option : kOptions) {
    if (!option.name.empty() && option.name == name) return option;
    if (dpdk::getopt_reads_eal_arguments() && name.size() > 2 && option.name.starts_with(name))
      fit.push_back(&option);
  }
  if (fit.empty()) refuse(fmt::format("unrecognized option '{}'", name));
  if (fit.size() == 1) return *fit[0];
  std::vector<std::string> names;
  for (const EalOption* option : fit) names.emplace_back(option->name);
  refuse(fmt::format("option '{}' fits {}", name, enumerate(names)),
         "write the name of one of them in full");
}

/// An option that has only a letter in 22.11 keeps the letter as its name, so that the name is the
/// same in every version. (Since 25.11 --lcores and -l are one option.)
std::string list_name(const EalOption& option) {
  constexpr std::string_view kLetters = "cdmnrsSv";
  const bool by_letter = kLetters.find(option.letter) != std::string_view::npos;
  return by_letter || option.name.empty() ? fmt::format("-{}", option.letter)
                                          : std::string(option.name);
}

class Reader {
 public:
  explicit Reader(std::span<const std::string> args) : args_(args) {}

  std::vector<GivenOption> all() {
    for (at_ = 0; at_ < args_.size(); ++at_) {
      if (args_[at_] == "--") {
        if (at_ + 1 < args_.size()) refuse_word(args_[at_ + 1]);
        break;
      }
      take_one();
    }
    refuse_repeated();
    return std::move(found_);
  }

  std::vector<GivenOption> known() {
    for (at_ = 0; at_ < args_.size() && args_[at_] != "--"; ++at_) {
      try {
        take_one();
      } catch (const Error&) {  // Eal's constructor refuses it
      }
    }
    return std::move(found_);
  }

 private:
  [[noreturn]] static void refuse_word(const std::string& word) {
    refuse(fmt::format("EAL doesn't know what to do with \"{}\"", word),
           "application arguments go behind --");
  }

  void take_one() {
    const std::string& arg = args_[at_];
    if (arg.starts_with("--"))
      take_long(arg);
    else if (arg.size() > 1 && arg[0] == '-')
      take_letters(arg);
    else
      refuse_word(arg);
  }

  void take_long(const std::string& arg) {
    const std::size_t eq = arg.find('=');
    const EalOption& option = of_name(arg.substr(0, eq));
    if (eq == std::string::npos)
      take(option, arg, std::nullopt);
    else
      take(option, arg.substr(0, eq), arg.substr(eq + 1));
  }

  void take_letters(const std::string& arg) {
    if (const std::size_t eq = arg.find('=');
        !dpdk::getopt_reads_eal_arguments() && eq != std::string::npos && eq != 2)
      refuse(fmt::format("unrecognized option '{}'", arg.substr(0, eq)),
             fmt::format("write a space between {} and its value", arg.substr(0, 2)));
    for (std::size_t i = 1; i < arg.size(); ++i) {
      const EalOption* const option = of_letter(arg[i]);
      const std::string name{'-', arg[i]};
      if (option == nullptr) refuse(fmt::format("unrecognized option '{}'", name));
      const std::string rest = arg.substr(i + 1);
      const bool joins = dpdk::getopt_reads_eal_arguments() && option->takes == Takes::kNothing;
      if (rest.empty() || joins)
        take(*option, name, std::nullopt);
      else
        take(*option, name,
             rest[0] == '=' && !dpdk::getopt_reads_eal_arguments() ? rest.substr(1) : rest);
      found_.back().given = name;
      if (!joins) return;
    }
  }

  void take(const EalOption& option, const std::string& as_given,
            std::optional<std::string> value) {
    if (option.takes == Takes::kNothing && value)
      refuse(fmt::format("option '{}' takes no value", as_given), "leave it out");
    if (option.takes == Takes::kValue && !value) {
      if (at_ + 1 >= args_.size())
        refuse(fmt::format("option '{}' requires an argument", as_given));
      value = args_[++at_];
    }
    found_.push_back({list_name(option), std::move(value), std::string(option.name)});
  }

  void refuse_repeated() const {
    for (const EalOption& option : kOptions) {
      if (option.repeats) continue;
      std::vector<std::string> said;
      for (const GivenOption& o : found_)
        if (o.name == list_name(option)) said.push_back(o.given);
      if (said.size() < 2) continue;
      std::sort(said.begin(), said.end());
      said.erase(std::unique(said.begin(), said.end()), said.end());
      refuse(said.size() == 1 ? fmt::format("{} is given more than once", said[0])
                              : fmt::format("{} are one option", enumerate(said)),
             "give it once");
    }
  }

  std::span<const std::string> args_;
  std::size_t at_ = 0;
  std::vector<GivenOption> found_;
};

}  // namespace

std::string GivenOption::text() const {
  if (!value) return given;
  return fmt::format("{}{}{}", given, given.starts_with("--") ? '=' : ' ', *value);
}

std::vector<GivenOption> read_eal_options(std::span<const std::string> args) {
  return Reader(args).all();
}

std::vector<GivenOption> known_eal_options(std::span<const std::string> args) {
  return Reader(args).known();
}

}  // namespace bab::detail
