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
  Session& session = console.session();
  reply(console, words,
        what == "stats"     ? bus_stats(session)
        : what == "ledger"  ? bus_ledger(session)
        : what == "pools"   ? bus_pools(session)
        : what == "writers" ? bus_writers(session)
        : what == "lcores"  ? bus_lcores(session)
                            : bus_latency(session));
}

void clear_bus(Console& console, const Words&) {
  console.session().clear_totals();
  console.print("statistics of the bus cleared\n");
}

void show_pinned(Console& console, const Words& words) {
  reply(console, words, pinned(console.session()));
}

void show_fwd(Console& console, const Words& words) {
  reply(console, words, fwd_stats(console.session()));
}

void show_config(Console& console, const Words& words) {
  Session& session = console.session();
  reply(console, words,
        words[2] == "fwd"    ? config_fwd(session)
        : words[2] == "rxtx" ? config_rxtx(session)
                             : config_cores(session));
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
