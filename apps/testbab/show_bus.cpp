#include "show_bus.hpp"

#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bab/base/error.hpp>

#include "report_json.hpp"
#include "report_text.hpp"

namespace testbab {
namespace {

using Json = nlohmann::ordered_json;

double per(std::uint64_t n, double of) { return of > 0 ? static_cast<double>(n) / of : 0.0; }

void require_a_run(const Workbench& workbench, std::string_view command) {
  if (!workbench.running() && workbench.last().engine.empty())
    throw bab::Error(
        fmt::format("{}: nothing has run yet; start starts {}", command, workbench.engine().name));
}

}  // namespace

View bus_stats(Workbench& workbench) {
  const WorkbenchTotals t = workbench.totals();
  const BusTotals& b = t.bus;
  std::string text = fmt::format(
      "  ------------------------ bus, {} runs, {:.2f} s{} ------------------------\n", t.runs,
      t.seconds, workbench.running() ? fmt::format(", {} runs", workbench.engine().name) : "");
  const auto side = [&](const char* name, std::uint64_t m, std::uint64_t bytes, std::uint64_t f) {
    text += fmt::format("  {} {} messages ({} msg/s), {} bytes, {} frames ({:.1f} messages each)\n",
                        name, m, with_prefix(per(m, t.seconds)), bytes, f,
                        per(m, static_cast<double>(f)));
  };
  side("out:", b.messages_out, b.bytes_out, b.frames_out);
  side("in: ", b.messages_in, b.bytes_in, b.frames_in);
  text += fmt::format("  of the runs that stopped: lost {}, corrupt {}, {} with a fault\n", b.lost,
                      b.corrupt, t.faults);
  text += drops_text(t.drops);
  Json json{{"running", workbench.running()},
            {"engine", workbench.engine().name},
            {"runs", t.runs},
            {"faults", t.faults},
            {"seconds", t.seconds}};
  json.update(bus_json(b));
  json["drops"] = drops_json(t.drops);
  return {text, json};
}

View bus_ledger(Workbench& workbench) {
  const Summary& last = workbench.last();
  if (last.engine.empty())
    throw bab::Error(
        workbench.running()
            ? "show bus ledger: it is drawn up at every stop, and there was none yet"
            : "show bus ledger: it is drawn up at every stop, and nothing has run yet");
  std::string text =
      fmt::format("  of the last run that stopped, {}, {:.2f} s:\n", last.engine, last.seconds);
  text += ledger_text(last.ledger) + drops_text(last.drops);
  text += last.ledger.balanced() ? "  it adds up\n" : "  it does NOT add up\n";
  Json json = ledger_json(last.ledger);
  json["engine"] = last.engine;
  json["drops"] = drops_json(last.drops);
  return {text, json};
}

View bus_pools(Workbench& workbench) {
  View view{"", {{"pools", Json::array()}}};
  for (const bab::BufferPool* pool : workbench.wiring().pools()) {
    const bab::BufferPoolStats s = pool->stats();
    std::string cached;
    Json caches = Json::object();
    for (const auto& [lcore, n] : s.cached) {
      cached += fmt::format("{}{} by lcore {}", cached.empty() ? ", cached " : ", ", n, lcore);
      caches[fmt::format("{}", lcore)] = n;
    }
    view.text += fmt::format(
        "  pool {}: {} buffers of {} bytes, {} in use, {} free{}; at most {} out, {} waiting\n",
        pool->name(), s.total, pool->data_room(), s.total - std::min(s.free, s.total), s.free,
        cached, s.most_out, s.waiting);
    view.json["pools"].push_back({{"name", pool->name()},
                                  {"buffers", s.total},
                                  {"data_room", pool->data_room()},
                                  {"free", s.free},
                                  {"in_use", s.total - std::min(s.free, s.total)},
                                  {"cached", caches},
                                  {"most_out", s.most_out},
                                  {"waiting", s.waiting}});
  }
  return view;
}

View bus_writers(Workbench& workbench) {
  require_a_run(workbench, "show bus writers");
  View view{workbench.running() ? "" : "  of the last run:\n", {{"writers", Json::array()}}};
  for (const PollerView& p : workbench.pollers()) {
    if (!p.writes) continue;
    view.text += fmt::format(
        "  lcore {:<3} {:<10} {} messages in {} frames ({:.1f} each), {} bytes; {} frames "
        "gathered, "
        "{} reserves found no buffer\n",
        p.lcore, p.what, p.tx_messages, p.tx_frames,
        per(p.tx_messages, static_cast<double>(p.tx_frames)), p.tx_bytes, p.writer.gathered,
        p.writer.starved);
    view.json["writers"].push_back({{"lcore", p.lcore},
                                    {"what", p.what},
                                    {"messages", p.tx_messages},
                                    {"frames", p.tx_frames},
                                    {"bytes", p.tx_bytes},
                                    {"gathered", p.writer.gathered},
                                    {"starved", p.writer.starved}});
  }
  if (view.json["writers"].empty())
    view.text += fmt::format("  {} writes nothing\n", workbench.engine().name);
  return view;
}

View bus_lcores(Workbench& workbench) {
  require_a_run(workbench, "show bus lcores");
  const std::vector<LcoreSummary> lcores =
      workbench.running() ? workbench.run()->lcores() : workbench.last().lcores;
  View view{workbench.running() ? "" : "  of the last run:\n", {{"lcores", Json::array()}}};
  for (const LcoreSummary& l : lcores) {
    std::vector<std::string_view> jobs;
    for (const PollerView& p : workbench.pollers())
      if (p.lcore == l.lcore) jobs.push_back(p.what);
    const double busy =
        per(100 * l.busy_cycles, static_cast<double>(l.busy_cycles + l.idle_cycles));
    view.text += fmt::format("  lcore {:<3} on {:<8} {} turns, {:.0f} % of its time busy: {}\n",
                             l.lcore, l.cpu < 0 ? "any CPU" : fmt::format("CPU {}", l.cpu), l.turns,
                             busy, fmt::join(jobs, ", "));
    view.json["lcores"].push_back({{"lcore", l.lcore},
                                   {"cpu", l.cpu},
                                   {"turns", l.turns},
                                   {"busy_cycles", l.busy_cycles},
                                   {"idle_cycles", l.idle_cycles},
                                   {"jobs", jobs}});
  }
  return view;
}

View bus_latency(Workbench& workbench) {
  if (const Job* job = workbench.job())
    if (const auto so_far = job->latency()) return {latency_text(*so_far), latency_json(*so_far)};
  if (workbench.last().latency)
    return {fmt::format("  of the last run that stopped, {}:\n{}", workbench.last().engine,
                        latency_text(*workbench.last().latency)),
            latency_json(*workbench.last().latency)};
  throw bab::Error(
      fmt::format("show bus latency: {} measures no round trips", workbench.engine().name));
}

View pinned(Workbench& workbench) {
  constexpr std::size_t kShown = 20;
  // Two looks at least: a holder has the buffer at both of them.
  PinnedWatch& watch = workbench.pinned();
  const auto pools = workbench.wiring().pools();
  watch.look(pools);
  workbench.signals().wait(std::chrono::milliseconds{20});
  watch.look(pools);
  const std::vector<PinnedBuffer> all = watch.pinned();
  std::string text = fmt::format("  {} buffers in use, {} of them held since the look before\n",
                                 watch.in_use(), all.size());
  // Without a handle the buffer is in a writer, a ring or a port's queue: the pool says whose.
  std::map<std::vector<unsigned>, std::size_t> by_lcores;
  std::string oldest;
  Json list = Json::array();
  for (const PinnedBuffer& b : all) {
    const std::vector<unsigned> whose = b.lcores.empty() ? workbench.lcores_of(b.pool) : b.lcores;
    ++by_lcores[whose];
    if (list.size() < kShown)
      oldest += fmt::format(
          "  {:>8.2f} s  pool {} buffer {}: {} shares, held by {}\n", b.seconds, b.pool, b.id,
          b.shares,
          !b.lcores.empty() ? fmt::format("lcore {}", fmt::join(b.lcores, ", "))
          : whose.empty()
              ? "a queue, a writer or a driver"
              : fmt::format("a queue, a writer or a driver of lcore {}", fmt::join(whose, " or ")));
    list.push_back({{"pool", b.pool},
                    {"buffer", b.id},
                    {"seconds", b.seconds},
                    {"shares", b.shares},
                    {"handles", b.lcores},
                    {"lcores", whose}});
  }
  Json sums = Json::array();
  for (const auto& [lcores, buffers] : by_lcores) {
    text += fmt::format(
        "  {}: {}\n",
        lcores.empty() ? "no lcore" : fmt::format("lcore {}", fmt::join(lcores, " or ")), buffers);
    sums.push_back({{"lcores", lcores}, {"buffers", buffers}});
  }
  text += oldest;
  if (all.size() > kShown)
    text += fmt::format("  and {} more; show pinned json lists all\n", all.size() - kShown);
  return {text, {{"in_use", watch.in_use()}, {"by_lcores", sums}, {"pinned", list}}};
}

View fwd_stats(Workbench& workbench) {
  require_a_run(workbench, "show fwd stats");
  View view{"", {{"ports", Json::array()}}};
  struct Sums {
    std::uint64_t rx = 0, rx_dropped = 0, tx = 0, tx_dropped = 0;
  } all;
  const auto box = [&view](const Sums& s) {
    view.text += fmt::format("  RX-packets: {:<14} RX-dropped: {:<14}RX-total: {}\n", s.rx,
                             s.rx_dropped, s.rx + s.rx_dropped);
    view.text += fmt::format("  TX-packets: {:<14} TX-dropped: {:<14}TX-total: {}\n", s.tx,
                             s.tx_dropped, s.tx + s.tx_dropped);
  };
  const auto json = [](const Sums& s) {
    return Json{{"rx_frames", s.rx},
                {"rx_dropped", s.rx_dropped},
                {"tx_frames", s.tx},
                {"tx_dropped", s.tx_dropped}};
  };
  for (std::size_t i = 0; i < workbench.wiring().ports(); ++i) {
    const bab::Port& port = workbench.wiring().port(i);
    const bab::PortStats s = workbench.running() ? port.stats() : workbench.last().ports[i].stats;
    const Sums sums{s.rx_frames, s.rx_missed + s.rx_nombuf, s.tx_frames, s.tx_errors};
    view.text += fmt::format(
        "\n  ---------------------- Forward statistics for port {:<2} ----------------------\n",
        port.id());
    box(sums);
    view.text += fmt::format("  {:-<76}\n", "");
    Json one = json(sums);
    one["port"] = port.id();
    view.json["ports"].push_back(one);
    all.rx += sums.rx;
    all.rx_dropped += sums.rx_dropped;
    all.tx += sums.tx;
    all.tx_dropped += sums.tx_dropped;
  }
  view.text += "\n  +++++++++++++++ Accumulated forward statistics for all ports+++++++++++++++\n";
  box(all);
  view.text += fmt::format("  {:+<76}\n", "");
  view.json["all"] = json(all);
  return view;
}

View config_fwd(Workbench& workbench) {
  const Engine& engine = *find_engine(workbench.options().engine);
  return {fmt::format("{} packet forwarding - ports={} - cores={}: {}\n", engine.name,
                      workbench.wiring().ports(), workbench.lcores().size(), engine.help),
          {{"engine", engine.name},
           {"help", engine.help},
           {"ports", workbench.wiring().ports()},
           {"cores", workbench.lcores().size()},
           {"running", workbench.running()}}};
}

View config_rxtx(Workbench& workbench) {
  const Options& o = workbench.options();
  const std::string& sizes = o.sizes_text;
  const std::string rate = o.rate ? fmt::format("{} messages/s", *o.rate) : "the engine's own";
  const std::string flush = o.flush_messages > 0 ? fmt::format("{} messages", o.flush_messages)
                            : o.max_delay_us > 0 ? fmt::format("{} us", o.max_delay_us)
                                                 : "frame";
  View view;
  view.text = fmt::format("  {} packet forwarding packets/burst={}\n", o.engine, o.burst);
  view.text += fmt::format("  messages of {} bytes, rate {}, flush {}\n", sizes, rate, flush);
  view.json = {{"engine", o.engine},     {"burst", o.burst},
               {"message_sizes", sizes}, {"rate", o.rate ? Json(*o.rate) : Json()},
               {"flush", flush},         {"ports", Json::array()}};
  for (std::size_t i = 0; i < workbench.wiring().ports(); ++i) {
    const bab::Port& port = workbench.wiring().port(i);
    view.text += fmt::format(
        "  port {}: RX queue number: {} Tx queue number: {}, RX desc={} - TX desc={}, MTU {}\n",
        port.id(), port.rx_queues(), port.tx_queues(), port.rx_descriptors(), port.tx_descriptors(),
        port.mtu());
    view.json["ports"].push_back({{"port", port.id()},
                                  {"rx_queues", port.rx_queues()},
                                  {"tx_queues", port.tx_queues()},
                                  {"rx_descriptors", port.rx_descriptors()},
                                  {"tx_descriptors", port.tx_descriptors()},
                                  {"mtu", port.mtu()}});
  }
  return view;
}

View config_cores(Workbench& workbench) {
  const std::vector<unsigned>& workers = workbench.lcores();
  return {fmt::format("  List of forwarding lcores: {}\n  main lcore {}: prompt and statistics\n",
                      fmt::join(workers, " "), rte_get_main_lcore()),
          {{"workers", workers}, {"main", rte_get_main_lcore()}}};
}

}  // namespace testbab
