#include "top.hpp"

#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "top_screen.hpp"
#include "top_view.hpp"

namespace testbab {
namespace {

void add_ports(Workbench& workbench, TopSample& sample) {
  for (std::size_t i = 0; i < workbench.wiring().ports(); ++i) {
    const bab::Port& port = workbench.wiring().port(i);
    const bab::PortStats s = port.stats();
    const bab::PortWatch& watch = workbench.wiring().watch(i);
    sample.ports.push_back({port.id(), port.name(), s.rx_frames, s.tx_frames, s.rx_bytes,
                            s.tx_bytes, s.rx_missed, s.rx_nombuf, s.rx_errors + s.tx_errors,
                            fmt::format("link {}, {} changes", watch.link_is_down() ? "DOWN" : "up",
                                        watch.link_changes())});
    const bab::DropCounters drops = port.drops(s);
    for (std::size_t reason = 1; reason < bab::kDrops; ++reason)
      sample.drops[reason] += drops[static_cast<bab::Drop>(reason)];
  }
}

void add_pollers(const Workbench& workbench, TopSample& sample) {
  for (const LcoreSummary& l : workbench.run()->lcores()) {
    std::vector<std::string_view> jobs;
    for (const Poller* p : workbench.run()->pollers_of(l.lcore)) {
      jobs.push_back(p->what());
      if (const Level ring = p->ring(); ring.of > 0)
        sample.levels.push_back({fmt::format("ring lc {}", l.lcore), ring.used, ring.of});
      for (std::size_t reason = 1; reason < bab::kDrops; ++reason)
        sample.drops[reason] += p->live_drops.reasons[reason];
    }
    sample.lcores.push_back(
        {l.lcore, l.cpu, l.busy_cycles, l.idle_cycles, fmt::format("{}", fmt::join(jobs, ", "))});
  }
}

TopSample look(Workbench& workbench) {
  TopSample sample;
  sample.seconds = workbench.run()->seconds();
  const LiveTotals t = LiveTotals::of(*workbench.job());
  sample.sent = {t.tx_messages, t.tx_bytes, t.tx_frames};
  sample.received = {t.rx_messages, t.rx_bytes, t.rx_frames};
  for (const bab::BufferPool* pool : workbench.wiring().pools())
    sample.levels.push_back({pool->name(), pool->in_use(), pool->size()});
  add_ports(workbench, sample);
  add_pollers(workbench, sample);
  sample.latency = workbench.job()->latency();
  if (const bab::Capture* capture = workbench.capture()) {
    const bab::CaptureStats c = capture->stats();
    sample.capture = {c.written, c.missed + c.failed};
  }
  return sample;
}

/// False: the user wants to quit.
bool obey(int key, TopView& view) {
  if (key == 'q') return false;
  if (key == 'v' || key == '\t') view.turn_over();
  if (key == 'c') view.clear();
  if (key >= '1' && key < '1' + static_cast<int>(TopView::kPages))
    view.turn_to(static_cast<TopView::Page>(key - '1'));
  return true;
}

}  // namespace

bool run_top(Workbench& workbench) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::seconds kPeriod{1};
  constexpr std::chrono::milliseconds kKeys{50};  // how long a key may wait
  const std::unique_ptr<TopScreen> screen = TopScreen::open();
  if (screen == nullptr) {
    if (workbench.verbose() == 0) workbench.set_verbose(1);
    return workbench.wait();
  }
  TopView view(workbench.engine().name);
  Clock::time_point next = Clock::now();
  while (!workbench.tick() && !workbench.signals().wait(kKeys)) {
    bool draw = false;
    while (const int key = screen->key()) {
      if (!obey(key, view)) return true;
      draw = true;
    }
    if (Clock::now() >= next) {
      next = Clock::now() + kPeriod;
      view.take(look(workbench));
      draw = true;
    }
    if (draw) screen->show(view.lines(screen->width(), screen->height()));
  }
  return workbench.signals().pending();
}

}  // namespace testbab
