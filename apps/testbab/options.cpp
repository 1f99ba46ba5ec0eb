#include "options.hpp"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "completion.hpp"
#include "engine.hpp"
#include "man_page.hpp"
#include "option_groups.hpp"

namespace testbab {
namespace {

/// The same as kFrameOverhead, counted without a tag.
constexpr unsigned kUntaggedOverhead = 14 + 4;

class Parser {
 public:
  explicit Parser(Options& o)
      : o_(o),
        app_("Drive the bab message bus: testbab [EAL arguments] -- [arguments]", "testbab") {
    app_.set_version_flag("--version,-V", "testbab " BAB_VERSION)->disable_flag_override();
    app_.get_help_ptr()->disable_flag_override();
    app_.footer(engine_help() +
                "\nWithout --, all arguments are the application's, and EAL runs without root, "
                "hugepages or a NIC.\nA real NIC:  testbab -l 0-2 -a 0000:01:00.0 -- "
                "--forward-mode=rxonly\n");
    OptionAdder to(app_);
    add_run_options(to, o_);
    add_port_options(to, o_);
    add_message_options(to, o_);
    add_report_options(to, o_);
    add_prompt_options(to, o_);
  }

  std::optional<Ended> parse(const std::vector<std::string>& args) {
    // CLI11 would take the next argument as the value.
    for (const std::string& a : args)
      if (a.starts_with("--") && a.size() > 3 && a.find('=') == a.size() - 1)
        return Ended{2, fmt::format("{}: a value is missing behind the =; see testbab --help",
                                    a.substr(0, a.size() - 1))};
    std::vector<std::string> reversed(args.rbegin(), args.rend());  // what CLI11 takes
    if (std::find(args.begin(), args.end(), "--doctor") != args.end())
      for (std::size_t i = 0; i < reversed.size(); ++i)
        if (reversed[i] == "--json" && (i == 0 || reversed[i - 1].starts_with("--")))
          reversed[i] = "--json=-";
    try {
      app_.parse(reversed);
      check();
    } catch (const CLI::ExtrasError&) {
      return Ended{
          2, fmt::format("unexpected arguments: {}; EAL's go in front of a --, ours are listed "
                         "by testbab --help",
                         fmt::join(app_.remaining(), " "))};
    } catch (const CLI::ArgumentMismatch& e) {
      return Ended{2, in_our_words(e.what())};
    } catch (const CLI::ParseError& e) {
      if (e.get_exit_code() == 0) {
        std::ostringstream text;
        app_.exit(e, text, text);
        return Ended{0, text.str()};
      }
      std::string what = e.what();
      while (!what.empty() && (what.back() == '\n' || what.back() == '.')) what.pop_back();
      return Ended{2, what + "; see testbab --help"};
    }
    if (o_.man_page) return Ended{0, testbab::man_page()};
    if (o_.completion) return Ended{0, bash_completion()};
    return std::nullopt;
  }

  std::vector<OptionHelp> list() {
    std::vector<OptionHelp> all;
    for (const CLI::Option* o : app_.get_options())
      all.push_back({o->get_name(false, true), o->get_type_name(), o->get_description()});
    return all;
  }

 private:
  /// The same as CLI11 says of a wrong number of values.
  static std::string in_our_words(std::string_view what) {
    std::string option(what.substr(0, what.find_first_of(": ")));
    if (!option.starts_with("-")) option.insert(0, "--");  // flags come without
    const auto has = [&](std::string_view words) {
      return what.find(words) != std::string_view::npos;
    };
    const bool too_many = has("At Most") || has("At most");  // the latter since CLI11 2.6
    const std::string_view why = too_many               ? "it is given more than once; give it once"
                                 : has("flag override") ? "it takes no value; leave the = out"
                                                        : "a value is missing behind it";
    return fmt::format("{}: {}; see testbab --help", option, why);
  }

  void check() const {
    if (o_.top && (o_.interactive || !o_.cmdline_file.empty()))
      throw CLI::ValidationError(
          "--top: it needs the terminal for itself; leave --interactive and --cmdline-file out");
    if (o_.top && o_.stats_period > 0)
      throw CLI::ValidationError("--top: it shows rates itself; leave --stats-period out");
    if (o_.top && o_.json_on_stdout())
      throw CLI::ValidationError("--top: it draws on standard output; give --json a file");
    if (app_.count("--msg-size") > 0 && app_.count("--msg-mix") > 0)
      throw CLI::ValidationError(
          "--msg-size and --msg-mix both say how large messages are; give one of the two");
    if ((!o_.replay.empty() || o_.speed || o_.repeat || o_.keep_duplicates) &&
        o_.engine != "replay")
      throw CLI::ValidationError(
          fmt::format("{}: {} replays nothing; add --forward-mode=replay or leave it out",
                      !o_.replay.empty() ? "--replay"
                      : o_.speed         ? "--speed"
                      : o_.repeat        ? "--repeat"
                                         : "--keep-duplicates",
                      o_.engine));
    if (o_.interactive && (o_.replay == "-" || o_.replay == "/dev/stdin"))
      throw CLI::ValidationError(
          fmt::format("--replay={}: with --interactive, commands come from standard input; give "
                      "the capture as a file or named pipe, or leave --interactive out",
                      o_.replay));
    if (o_.capture_share && o_.capture.empty())
      throw CLI::ValidationError("--capture-share: nothing is captured; add --capture=FILE");
    if (o_.rate && !find_engine(o_.engine)->makes_messages)
      throw CLI::ValidationError(fmt::format(
          "--rate={}: {} makes no messages of its own; leave it out", *o_.rate, o_.engine));
    if (!o_.mtu.empty() && o_.max_pkt_len && *o_.max_pkt_len != o_.mtu[0] + kFrameOverhead &&
        *o_.max_pkt_len != o_.mtu[0] + kUntaggedOverhead)
      throw CLI::ValidationError(
          fmt::format("--mtu={} and --max-pkt-len={} disagree: that MTU makes frames of {} bytes; "
                      "give one of the two",
                      o_.mtu[0], *o_.max_pkt_len, o_.mtu[0] + kFrameOverhead));
  }

  Options& o_;
  CLI::App app_;
};

}  // namespace

std::vector<OptionHelp> option_list() {
  Options unused;
  return Parser(unused).list();
}

std::optional<Ended> parse_options(const std::vector<std::string>& args, Options& options) {
  return Parser(options).parse(args);
}

}  // namespace testbab
