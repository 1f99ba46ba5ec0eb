#include "option_groups.hpp"

#include "capture_request.hpp"

namespace testbab {

void add_report_options(OptionAdder& to, Options& o) {
  to.add_flag("--doctor", o.doctor,
              "examine this machine for the run that the other arguments ask for, and end; with "
              "--json alone the findings go to standard output as JSON");
  to.add_flag("--strict", o.strict,
              "exit code 3 for a run that is good, but with messages missing or frames unusable");
  to.add_number("--stats-period", o.stats_period, 0, 86'400, "seconds between lines of live rates");
  to.add_text("--capture", "FILE", "write all frames, sent and received, to a pcapng file",
              [&o](const std::string& text) {
                if (text.empty()) throw CLI::ValidationError("--capture: it takes a file's path");
                o.capture = text;
              });
  to.add_number(
      "--capture-share", o.capture_share, 1, kMaxShare,
      "percent of lcores' work that captured frames may cost, beside their idle time; 100: "
      "no bound; default 2");
  to.add_text("--json", "FILE",
              "write a report; - is standard output, and text goes to standard error",
              [&o](const std::string& text) {
                if (text.empty())
                  throw CLI::ValidationError("--json: it takes a file's path, or -");
                o.json = text;
              });
}

void add_prompt_options(OptionAdder& to, Options& o) {
  to.add_flag("--top", o.top,
              "a live view of the run, full screen on a terminal, else lines of rates");
  to.add_flag("-i,--interactive", o.interactive,
              "open a prompt, or take commands from a pipe; help lists them");
  to.add_text("--cmdline-file", "FILE", "run a file's commands, one a line, before anything else",
              [&o](const std::string& text) {
                if (text.empty())
                  throw CLI::ValidationError("--cmdline-file: it takes a file's path");
                o.cmdline_file = text;
              });
  to.add_flag("--keep-going", o.keep_going,
              "scripts go on behind a command that failed; the exit code is still 1");
  to.add_flag("--man", o.man_page, "print the manual page, for man -l -, and end");
  to.add_flag("--bash-completion", o.completion,
              "print what bash needs to complete these arguments, and end");
}

}  // namespace testbab
