#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <bab/base/error.hpp>

#include "command.hpp"
#include "console.hpp"
#include "report_json.hpp"
#include "report_text.hpp"
#include "show_bus.hpp"

namespace testbab {
namespace {

using Json = nlohmann::ordered_json;

void reply(Console& console, const Words& words, const View& view) {
  if (wants_json(words))
    console.print_json(view.json);
  else
    console.print(view.text);
}

void show_bus(Console& console, const Words& words) {
  const std::string& what = words[2];
  Workbench& workbench = console.workbench();
  reply(console, words,
        what == "stats"     ? bus_stats(workbench)
        : what == "ledger"  ? bus_ledger(workbench)
        : what == "pools"   ? bus_pools(workbench)
        : what == "writers" ? bus_writers(workbench)
        : what == "lcores"  ? bus_lcores(workbench)
                            : bus_latency(workbench));
}

void clear_bus(Console& console, const Words&) {
  console.workbench().clear_totals();
  console.print("statistics of the bus cleared\n");
}

void show_pinned(Console& console, const Words& words) {
  reply(console, words, pinned(console.workbench()));
}

void show_fwd(Console& console, const Words& words) {
  reply(console, words, fwd_stats(console.workbench()));
}

void show_config(Console& console, const Words& words) {
  Workbench& workbench = console.workbench();
  reply(console, words,
        words[2] == "fwd"    ? config_fwd(workbench)
        : words[2] == "rxtx" ? config_rxtx(workbench)
                             : config_cores(workbench));
}

constexpr std::array kShowCommands{
    Command{"show fwd stats all [json]", "frames of this run, or of the last one, by port",
            show_fwd},
    Command{"show config (fwd|rxtx|cores) [json]",
            "the engine, its bursts, messages and queues, or its lcores", show_config},
    Command{
        "show bus (stats|ledger|pools|writers|lcores|latency) [json]",
        "messages of all runs, where the last run's went, buffers, who writes, where time goes, "
        "round trips",
        show_bus},
    Command{"show pinned [json]",
            "which lcore holds how many buffers, and which for how long, oldest first",
            show_pinned},
    Command{"clear bus stats", "count the bus's messages from here on", clear_bus},
};

}  // namespace

std::span<const Command> show_commands() { return kShowCommands; }

}  // namespace testbab
