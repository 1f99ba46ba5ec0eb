#include "man_page.hpp"

#include <string_view>

#include <fmt/format.h>

#include <bab/base/drops.hpp>

#include "command.hpp"
#include "engine.hpp"
#include "json_document.hpp"
#include "options.hpp"

namespace testbab {
namespace {

/// Text as roff takes it: its own characters escaped, what isn't ASCII by name.
std::string roff(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("…")) {
      out += "...";
      i += std::string_view("…").size() - 1;
    } else if (text[i] == '-') {
      out += "\\-";
    } else if (text[i] == '\\') {
      out += "\\(rs";
    } else if (text[i] == '\n') {
      out += "\n.br\n";
    } else if ((text[i] == '.' || text[i] == '\'') && (i == 0 || text[i - 1] == '\n')) {
      out += fmt::format("\\&{}", text[i]);
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string item(std::string_view head, std::string_view text) {
  return fmt::format(".TP\n.B {}\n{}\n", roff(head), roff(text));
}

constexpr std::string_view kDescription =
    "drives the bab message bus on DPDK ports: it packs many small messages into large frames, "
    "sends "
    "and receives them at full rate on polling lcores, and accounts for every one of them. EAL's "
    "arguments come before the --, as for every DPDK program; without a -- all are its own, and "
    "EAL "
    "runs without root, hugepages or a NIC. Its arguments and commands are spelled as those of "
    "dpdk-testpmd(1) where that has them.";

constexpr std::string_view kAboutThePrompt =
    "With -i on a terminal there is a prompt, with history, completion by Tab and help by ?. "
    "Ctrl-C "
    "clears the line; where it is empty, it stops the engine that runs. Ctrl-D on an empty line "
    "ends as "
    "quit does. With -i and a pipe, or with --cmdline-file, the same commands come from a script; "
    "the "
    "first one that fails ends it with exit code 1. A # begins a comment. In capitals: N a number, "
    "MODE "
    "an engine, FILE a path, WORD a command's. What set changes acts from the next start on, but "
    "verbose at once.";

constexpr std::string_view kAboutJson =
    "Each document that --json, a command with json as its last word, or --doctor --json writes is "
    "one object. Its first "
    "member, schema, is {}. That number is raised when a member goes, or changes its name, type, "
    "unit or meaning. Members "
    "that are only added don't raise it.";

}  // namespace

std::string man_page() {
  std::string t = ".TH TESTBAB 1 \"\" \"bab " BAB_VERSION "\" \"User Commands\"\n";
  t += ".SH NAME\ntestbab \\- drive the bab message bus\n";
  t += ".SH SYNOPSIS\n.B testbab\n[\n.I EAL arguments\n]\n.B \\-\\-\n[\n.I arguments\n]\n";
  t += fmt::format(".SH DESCRIPTION\n.B testbab\n{}\n", roff(kDescription));
  t += ".SH ARGUMENTS\n";
  for (const OptionHelp& o : option_list()) {
    std::string head;
    for (char c : o.names) head += c == ',' ? std::string(", ") : std::string(1, c);
    if (!o.value.empty()) head += fmt::format("={}", o.value);
    t += item(head, o.help);
  }
  t += ".SH ENGINES\n";
  for (const Engine* e : engines()) t += item(e->name, e->help);
  t += fmt::format(".SH COMMANDS\n{}\n", roff(kAboutThePrompt));
  for (const Command& c : commands()) t += item(c.syntax, c.help);
  t +=
      ".SH DROPS\nEach frame or message that didn\\(aqt go on is counted once, under its reason.\n";
  for (std::size_t i = 1; i < bab::kDrops; ++i) {
    const auto reason = static_cast<bab::Drop>(i);
    t += item(bab::drop_name(reason), bab::drop_sentence(reason));
  }
  t += ".SH EXIT STATUS\n";
  t += item("0", "All is well.");
  t += item("1",
            "The bus lost, corrupted or leaked something, its ledger does not add up, or a "
            "script's command failed.");
  t += item("2", "Wrong arguments, or a set-up failure; one sentence says what, why and the mend.");
  t += item(
      "3",
      "With --strict: nothing was lost by the bus, but what arrived was incomplete or unusable.");
  t += fmt::format(".SH JSON\n{}\n", roff(fmt::format(kAboutJson, kJsonSchema)));
  t += ".SH SEE ALSO\n.BR dpdk\\-testpmd (1),\n.BR dpdk\\-devbind (1)\n";
  return t;
}

}  // namespace testbab
