#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include <fmt/format.h>
#include <rte_eal.h>

#include <bab/base/eal.hpp>
#include <bab/base/error.hpp>

#include "arguments.hpp"
#include "engine.hpp"
#include "options.hpp"
#include "report_json.hpp"
#include "report_text.hpp"
#include "run.hpp"
#include "stop_signals.hpp"
#include "wiring.hpp"

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

/// The worker lcores that the run may use.
std::vector<unsigned> choose_lcores(const bab::Eal& eal, const Options& options) {
  std::vector<unsigned> workers = eal.workers();
  if (workers.empty())
    throw bab::Error(
        "there is no worker lcore beside the main one; give two or more, as in -l 0-2");
  const std::size_t wanted = options.nb_cores.value_or(workers.size());
  if (wanted > workers.size())
    throw bab::Error(
        fmt::format("--nb-cores={}: EAL has {} worker lcores; give it more with -l or "
                    "--lcores",
                    wanted, workers.size()));
  workers.resize(wanted);
  return workers;
}

Summary run_engine(const Options& options, const Engine& engine, const Arguments& arguments,
                   StopSignals& signals, std::FILE* text) {
  require_primary(asks_for_secondary(arguments.eal));
  const bab::Eal eal(arguments.eal);
  require_primary(rte_eal_process_type() == RTE_PROC_SECONDARY);
  const std::vector<unsigned> lcores = choose_lcores(eal, options);
  Summary summary;
  summary.engine = engine.name;
  Wiring wiring(options, engine, static_cast<unsigned>(lcores.size()));
  std::unique_ptr<Job> job = engine.make(options, wiring);
  wiring.start(signals);
  if (arguments.embedded)
    say(text,
        "embedded default: no root, hugepages or NIC; for a NIC: testbab -l 0-2 -a PCI_ADDRESS -- "
        "…\n");
  LiveText live(text, options.stats_period);
  const RunResult result = run(*job, lcores, options, signals, live);
  summary.seconds = result.seconds;
  summary.interrupted = result.interrupted;
  summary.lcores = result.lcores;
  wiring.stop(summary);
  job->sum_up(summary);
  job.reset();
  wiring.audit(summary);
  return summary;
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
  StopSignals signals;
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
    JsonReport json(options.json);
    const Summary summary =
        run_engine(options, *find_engine(options.engine), arguments, signals, text);
    print_summary(text, summary);
    json.write(summary);
    return summary.exit_code();
  } catch (const std::exception& e) {  // bab::Error; std::bad_alloc and the like
    say(stderr, fmt::format("testbab: {}\n", e.what()));
    return kSetUpFailed;
  }
}
