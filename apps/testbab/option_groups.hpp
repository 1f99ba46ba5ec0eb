#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "option_values.hpp"
#include "options.hpp"

namespace testbab {

/// Adds options to a command line, in the order in which --help lists them.
class OptionAdder {
 public:
  explicit OptionAdder(CLI::App& app) : app_(app) {}

  /// `value`: an integer, or a std::optional of one.
  template <class T>
  void add_number(const std::string& name, T& value, std::uint64_t lo, std::uint64_t hi,
                  const std::string& help) {
    add_text(name, "N", fmt::format("{} [{}-{}]", help, lo, hi),
             [=, &value](const std::string& text) {
               value = cast<T>(number_value(text, name, lo, hi));
             });
  }
  void add_flag(const std::string& name, bool& value, const std::string& help) {
    app_.add_flag(name, value, help)->disable_flag_override();
  }
  /// `take` is given the text of the value.
  CLI::Option* add_text(const std::string& name, const std::string& type, const std::string& help,
                        std::function<void(const std::string&)> take) {
    return app_.add_option_function<std::string>(name, std::move(take), help)->type_name(type);
  }

 private:
  template <class T>
  static auto cast(std::uint64_t n) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(n);
    else
      return static_cast<typename T::value_type>(n);
  }

  CLI::App& app_;
};

// The options, by subject, a file each: options_run.cpp and so on. What goes wrong when several of
// them are given together, options.cpp says.

/// What to do, for how long and on which lcores; flowgen's and replay's own.
void add_run_options(OptionAdder& to, Options& o);
/// Ports, their queues and buffers, and what their NICs do.
void add_port_options(OptionAdder& to, Options& o);
/// Messages, and the frames that carry them.
void add_message_options(OptionAdder& to, Options& o);
/// What is shown, reported and captured.
void add_report_options(OptionAdder& to, Options& o);
/// Who or what gives commands.
void add_prompt_options(OptionAdder& to, Options& o);

}  // namespace testbab
