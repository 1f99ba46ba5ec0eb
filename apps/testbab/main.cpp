#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include <fmt/format.h>
#include <rte_eal.h>

#include <bab/base/eal.hpp>
#include <bab/base/error.hpp>

#include "arguments.hpp"
#include "doctor.hpp"
#include "options.hpp"
#include "report_json.hpp"
#include "report_text.hpp"
#include "session.hpp"
#include "stop_signals.hpp"

namespace {

using namespace testbab;

constexpr int kSetUpFailed = 2;

/// As well as it goes: fmt::print throws where nothing can be written, and that must not end a run.
void say(std::FILE* out, const std::string& text) { std::fputs(text.c_str(), out); }

/// With --no-shconf, EAL would wait for its primary for ever.
void require_primary(bool secondary) {
  if (secondary)
    throw bab::Error(
        "--proc-type=secondary: testbab makes pools and ports of its own, as a primary process; "
        "leave it out");
}

bool asks_for_secondary(const std::vector<std::string>& eal) {
  for (std::size_t i = 0; i < eal.size(); ++i)
    if (eal[i] == "--proc-type=secondary" ||
        (eal[i] == "--proc-type" && i + 1 < eal.size() && eal[i + 1] == "secondary"))
      return true;
  return false;
}

Summary run_engine(const Options& options, const Arguments& arguments, StopSignals& signals,
                   std::FILE* text) {
  require_primary(asks_for_secondary(arguments.eal));
  const bab::Eal eal(arguments.eal);
  require_primary(rte_eal_process_type() == RTE_PROC_SECONDARY);
  Session session(eal, options, signals, text);
  session.prepare();
  if (!options.capture.empty()) session.start_capture({.path = options.capture});
  if (arguments.embedded)
    say(text,
        "embedded default: no root, hugepages or NIC; for a NIC: testbab -l 0-2 -a PCI_ADDRESS -- "
        "…\n");
  session.launch();
  session.stop(session.wait());
  return session.close();
}

/// A closed standard stream's number would go to the next file or socket that DPDK opens, and our text into
/// that. In its place: something that can't be written, so that a report is missed.
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
    StopSignals signals;
    JsonReport json(options.json);
    const Summary summary = run_engine(options, arguments, signals, text);
    print_summary(text, summary);
    json.write(to_json(summary));
    return summary.exit_code();
  } catch (const std::exception& e) {  // bab::Error; std::bad_alloc and the like
    say(stderr, fmt::format("testbab: {}\n", e.what()));
    return kSetUpFailed;
  }
}
