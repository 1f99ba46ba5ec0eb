#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <rte_eal.h>

#include <bab/base/eal.hpp>
#include <bab/base/error.hpp>
#include <bab/detail/eal_args.hpp>

#include "arguments.hpp"
#include "console.hpp"
#include "doctor.hpp"
#include "eal_own_text.hpp"
#include "flags.hpp"
#include "options.hpp"
#include "prompt.hpp"
#include "report_json.hpp"
#include "report_text.hpp"
#include "stop_signals.hpp"
#include "top.hpp"
#include "workbench.hpp"

namespace {

using namespace testbab;

constexpr int kSetUpFailed = 2;
constexpr int kReserved = 3;  // --strict: a run was good with reservations

/// Prints without throwing: an output that can't be written must not end a run.
void say(std::FILE* out, const std::string& text) { std::fputs(text.c_str(), out); }

/// With --no-shconf, EAL would wait for its primary for ever.
void require_primary(bool secondary, std::string_view why) {
  if (secondary)
    throw bab::Error(fmt::format(
        "{}: testbab makes pools and ports of its own, as a primary process; leave it out", why));
}

bool asks_for_secondary(const std::vector<std::string>& eal) {
  const std::vector<std::string> types = bab::detail::option_values(eal, "--proc-type");
  return !types.empty() && strcasecmp(types.back().c_str(), "secondary") == 0;
}

void greet(const Arguments& arguments, std::FILE* text) {
  if (arguments.embedded)
    say(text,
        "embedded default: no root, hugepages or NIC; for a NIC: testbab -l 0-2 -a PCI_ADDRESS -- "
        "…\n");
}

bab::Eal start_eal(const Arguments& arguments) {
  std::optional<EalsOwnText> unsaid;
  if (!bab::detail::wants_text(arguments.eal)) unsaid.emplace();
  return bab::Eal(arguments.eal);
}

void start_capture(Workbench& workbench) {
  const Options& options = workbench.options();
  if (options.capture.empty()) return;
  bab::CaptureOptions capture{.path = options.capture};
  if (options.capture_share) capture.lcore_share = *options.capture_share / 100.0;
  workbench.start_capture(capture);
}

/// Prints what no command asked for.
void speak(Workbench& workbench, std::FILE* text) {
  workbench.on_live_text([text](const std::string& line) {
    say(text, line);
    std::fflush(text);
  });
}

/// Starts, runs, stops.
int run_engine(Workbench& workbench, const Arguments& arguments, std::FILE* text,
               JsonReport& json) {
  speak(workbench, text);
  workbench.prepare();
  start_capture(workbench);
  greet(arguments, text);
  workbench.launch();
  workbench.stop(workbench.options().top ? run_top(workbench) : workbench.wait());
  const Summary& summary = workbench.close();
  say(text, summary_text(summary));
  std::fflush(text);
  json.write(to_json(summary));
  return summary.exit_code();
}

/// Runs the commands of scripts and of the user.
int take_commands(Workbench& workbench, const Arguments& arguments, std::FILE* text,
                  JsonReport& json) {
  const Options options = workbench.options();
  speak(workbench, text);
  workbench.open();
  start_capture(workbench);
  greet(arguments, text);
  Console console(workbench, text, options.keep_going);
  if (options.auto_start) workbench.start();
  bool failed = false;
  bool prompted = false;
  const auto script = [&](const auto& load) {
    try {
      load();
    } catch (const std::exception& e) {  // bab::Error; std::bad_alloc and the like
      std::fflush(text);
      say(stderr, fmt::format("testbab: {}\n", e.what()));
      failed = true;
    }
  };
  if (!options.cmdline_file.empty()) script([&] { console.load(options.cmdline_file); });
  if (options.interactive && !console.quitting()) {
    if (isatty(STDIN_FILENO) != 0) {
      failed = false;  // the user saw it
      prompted = true;
      workbench.signals().interrupts_only();
      Prompt(console).run();
    } else if (!failed) {
      script([&] { console.load(STDIN_FILENO, "standard input"); });
    }
  }
  if (workbench.running()) console.stop(workbench.signals().pending());
  const std::string said = workbench.last().fault();
  const Summary& summary = workbench.close();
  if (const std::string fault = summary.fault(); fault != said)
    say(text, fmt::format("  FAULT: {}\n", fault));
  std::fflush(text);
  // A terminal that goes away ends a conversation. Results of a script that can't be written are a
  // failure.
  const bool lost = console.output_lost() && !prompted;
  if (lost) say(stderr, "testbab: what it says can't be written any more\n");
  json.write(to_json(summary));
  const bool bad = failed || lost || console.failures() > 0 || workbench.faults() > 0 ||
                   summary.exit_code() == 1;
  if (bad) return 1;
  return options.strict && workbench.reservations() > 0 ? kReserved : 0;
}

/// Throws bab::Error: the script can't be read. Before anything is started for it.
void require_script(const std::string& path) {
  if (path.empty()) return;
  struct stat file {};
  errno = 0;
  if (stat(path.c_str(), &file) == 0 && S_ISDIR(file.st_mode))
    errno = EISDIR;
  else
    (void)access(path.c_str(), R_OK);
  if (errno != 0)
    throw bab::Error(fmt::format("--cmdline-file={}: {}; give a file that can be read", path,
                                 std::strerror(errno)));
}

/// If a standard stream is closed, the next file or socket that DPDK opens gets its number, and our
/// text would go there. A file that can't be written is put in its place: a report that doesn't
/// arrive is then noticed.
void hold_standard_streams() {
  while (true) {
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fd > STDERR_FILENO) {
      if (fd >= 0) close(fd);
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_streams();
  // A reader of our output that goes away is an error of write(), not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  // The same goes for a limit to the size of files.
  std::signal(SIGXFSZ, SIG_IGN);
  const Arguments arguments = split_arguments(argc, argv);
  Options options;
  if (const auto ended = parse_options(arguments.app, options)) {
    if (ended->exit_code == 0)
      say(stdout, ended->text);
    else
      say(stderr, fmt::format("testbab: {}\n", ended->text));
    return ended->exit_code;
  }
  std::FILE* text = options.json_on_stdout() ? stderr : stdout;
  try {
    if (options.doctor) return run_doctor(options, arguments);
    require_script(options.cmdline_file);
    StopSignals signals;
    JsonReport json(options.json);
    require_primary(asks_for_secondary(arguments.eal), "--proc-type=secondary");
    const bab::Eal eal = start_eal(arguments);
    require_primary(rte_eal_process_type() == RTE_PROC_SECONDARY,
                    "--proc-type=auto found a primary process of that --file-prefix, and became "
                    "--proc-type=secondary");
    Workbench workbench(eal, options, signals);
    return options.has_commands() ? take_commands(workbench, arguments, text, json)
                                  : run_engine(workbench, arguments, text, json);
  } catch (const std::exception& e) {  // bab::Error; std::bad_alloc and the like
    say(stderr, fmt::format("testbab: {}\n", with_flags(e)));
    return kSetUpFailed;
  }
}
