#include <cstdio>
#include <regex>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <rte_launch.h>
#include <CLI/CLI.hpp>

#include <bab/base/eal.hpp>
#include <bab/base/error.hpp>

#include "interleave.hpp"
#include "report.hpp"
#include "two_lcores.hpp"

namespace bench {
namespace {

struct Options {
  std::string json;
  std::string rows = ".*";
  std::string commit = "unknown";
  bool quick = false;
  bool list = false;
  bool huge = false;
  bool peers = false;
  bool growth = false;
  unsigned runs = 0;
  double slice_ms = 0;
};

RowSpecs chosen_rows(const Options& options) {
  if (options.peers) return peer_rows();
  if (options.growth) return growth_rows();
  RowSpecs all;
  for (const auto& rows :
       {pool_rows(), packet_rows(), writer_rows(), shared_writer_rows(), framer_rows(),
        channel_rows(), bus_rows(), relay_rows(), ping_rows(), allocation_rows()})
    all.insert(all.end(), rows.begin(), rows.end());
  return all;
}

/// Measures on the last CPU that this process may use, because interrupts go to the first ones.
std::vector<std::string> eal_arguments(const Options& options) {
  std::vector<int> cpus;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  if (cpus.empty()) cpus.push_back(0);
  std::string lcores = fmt::format("0@{}", cpus.back());
  if (cpus.size() > 1) lcores += fmt::format(",1@{}", cpus[cpus.size() - 2]);
  std::vector<std::string> args{"--no-pci", "--no-telemetry", "--lcores", lcores};
  if (options.huge)
    args.insert(args.end(), {"--in-memory"});
  else
    args.insert(args.end(), {"--no-huge", "--no-shconf", "-m", "2048"});
  return args;
}

int run(const Options& options) {
  const bab::Eal eal(eal_arguments(options));
  const std::string scheduling = prefer_this_thread();
  rte_eal_mp_remote_launch([](void*) { return prefer_this_thread().empty() ? 1 : 0; }, nullptr,
                           SKIP_MAIN);
  rte_eal_mp_wait_lcore();
  Effort effort;
  if (options.quick) effort = {5, 0.005, 5};
  if (options.runs > 0) effort.runs = options.runs;
  if (options.slice_ms > 0) effort.slice_seconds = options.slice_ms / 1000;

  Machine machine = describe_machine(options.commit);
  machine.emplace_back("scheduling", scheduling);
  machine.emplace_back("slices", fmt::format("{} pairs of {:g} ms, A B A B ...", effort.runs,
                                             effort.slice_seconds * 1000));
  print_machine(machine);
  print_header();
  const std::regex wanted(options.rows);
  std::vector<Result> results;
  for (const RowSpec& spec : chosen_rows(options)) {
    if (!std::regex_search(spec.name, wanted)) continue;
    if (spec.lcores == Lcores::kTwo && other_lcore() == RTE_MAX_LCORE) {
      fmt::print("{:27} skipped: it takes two CPUs\n", spec.name);
      continue;
    }
    try {
      results.push_back(measure(spec, effort));
    } catch (const bab::Error& e) {  // this machine or this port can't run the row
      fmt::print("{:27} skipped: {}\n", spec.name, e.what());
      continue;
    }
    print_row(results.back());
  }
  if (!options.json.empty()) write_json(options.json, machine, results);
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Options options;
  CLI::App app("bab beside DPDK's own primitives, in one run");
  app.add_option("--json", options.json, "write the results to this file");
  app.add_option("--rows", options.rows, "only rows whose names match this regular expression");
  app.add_option("--commit", options.commit, "what is measured, for the report");
  app.add_option("--runs", options.runs, "pairs of slices per row")->check(CLI::Range(5U, 1000U));
  app.add_option("--slice-ms", options.slice_ms, "milliseconds per slice")
      ->check(CLI::Range(0.5, 10000.0));
  app.add_flag("--quick", options.quick, "five short runs: under a minute");
  app.add_flag("--huge", options.huge, "memory of hugepages, which must be there");
  app.add_flag("--peers", options.peers,
               "the loop engine beside ZeroMQ, kernel UDP and a byte ring");
  app.add_flag("--growth", options.growth,
               "cost per message as messages, frames, rings, pools grow");
  app.add_flag("--list", options.list, "the rows' names");
  CLI11_PARSE(app, argc, argv);
  if (options.list) {
    for (const auto& spec : bench::chosen_rows(options)) fmt::print("{}\n", spec.name);
    return 0;
  }
  try {
    return bench::run(options);
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench: {}\n", e.what());
    return 1;
  }
}
