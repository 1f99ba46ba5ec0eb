#include "workbench.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include <bab/base/error.hpp>
#include <bab/detail/eal_args.hpp>

#include "verdict.hpp"

namespace testbab {
namespace {

/// The worker lcores that runs may use.
std::vector<unsigned> choose_lcores(const bab::Eal& eal, const Options& options) {
  std::vector<unsigned> workers = eal.workers();
  if (workers.empty())
    throw bab::Error(
        fmt::format("there is no worker lcore beside the main one; give two or more, as in {}",
                    bab::detail::lcores_for_workers(2)));
  const std::size_t wanted = options.nb_cores.value_or(workers.size());
  if (wanted > workers.size())
    throw bab::Error(
        fmt::format("--nb-cores={}: EAL has {} worker lcores; give it more with -l or "
                    "--lcores",
                    wanted, workers.size()));
  workers.resize(wanted);
  return workers;
}

void add(BusTotals& sum, const LiveTotals& live) {
  sum.messages_in += live.rx_messages;
  sum.bytes_in += live.rx_bytes;
  sum.frames_in += live.rx_frames;
  sum.gathered += live.gathered;
  sum.messages_out += live.tx_messages;
  sum.bytes_out += live.tx_bytes;
  sum.frames_out += live.tx_frames;
}

void subtract(BusTotals& sum, const LiveTotals& live) {
  sum.messages_in -= live.rx_messages;
  sum.bytes_in -= live.rx_bytes;
  sum.frames_in -= live.rx_frames;
  sum.gathered -= live.gathered;
  sum.messages_out -= live.tx_messages;
  sum.bytes_out -= live.tx_bytes;
  sum.frames_out -= live.tx_frames;
}

}  // namespace

Workbench::Workbench(const bab::Eal& eal, Options options, StopSignals& signals)
    : options_(std::move(options)),
      signals_(signals),
      lcores_(choose_lcores(eal, options_)),
      wiring_(options_, *find_engine(options_.engine), static_cast<unsigned>(lcores_.size()),
              signals) {}

Workbench::~Workbench() {
  run_.reset();
  job_.reset();
}

void Workbench::open() {
  wiring_.start();
  opened_ = true;
  say_notes();
}

void Workbench::say_notes() {
  for (const std::string& note : wiring_.new_notes()) say_note(note);
}

void Workbench::say_note(const std::string& note) { say_(fmt::format("note: {}\n", note)); }

void Workbench::prepare(bool tx_first) {
  if (running())
    throw bab::Error(fmt::format("start: {} runs already; stop it first", engine_->name));
  const Engine& engine = *find_engine(options_.engine);
  wiring_.require(engine);
  if (opened_) require_started();
  wiring_.begin(engine);
  job_ = engine.make(options_, wiring_);
  engine_ = &engine;
  if (tx_first && !job_->counts_received) {
    job_.reset();
    throw bab::Error(fmt::format(
        "start tx_first: {} sends by itself; start it without, or set fwd relay", engine.name));
  }
  if (!opened_) open();
  if (tx_first) send_first();
}

void Workbench::require_started() const {
  for (std::size_t i = 0; i < wiring_.ports(); ++i)
    if (const bab::Port& port = wiring_.port(i); !port.started())
      throw bab::Error(
          fmt::format("start: port {0} is stopped; port start {0} starts it", port.id()));
}

/// One burst on every TX queue before the engine begins, as testpmd does.
void Workbench::send_first() {
  Options options = options_;
  std::uint64_t frames = 0, per_frame = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t i = 0; i < wiring_.ports(); ++i) {
    const std::uint32_t room = bab::wire::FrameHeader::payload_capacity(wiring_.port(i).mtu());
    per_frame = std::min<std::uint64_t>(per_frame, room / (options.sizes.max() + 2));
    frames += std::uint64_t{options.txq} * options.burst;
  }
  options.count = frames * std::max<std::uint64_t>(per_frame, 1);
  options.duration = 1;  // if nobody takes the frames, the burst is cut short
  options.idle_exit_ms = 0;
  options.rate.reset();
  const std::unique_ptr<Job> burst = find_engine("txonly")->make(options, wiring_);
  Run run(*burst, lcores_, options, signals_);
  while (!run.over() && !signals_.wait(Run::kTick)) {
  }
  run.stop([] {}, [] { return false; });
  Summary sent;
  wiring_.collect(sent, Wiring::Queued::kKeep);
  burst->sum_up(sent);
  totals_.bus += sent.bus;
  totals_.drops += sent.drops;
  wiring_.begin(*engine_, Wiring::Queued::kKeep);
}

void Workbench::launch() {
  live_ = std::make_unique<LiveText>(say_, live_period());
  cleared_ = {};
  starvation_ = {};
  split_frames_.begin();
  wiring_.begin_receiving();
  events_.begin();
  run_ = std::make_unique<Run>(*job_, lcores_, options_, signals_);
}

void Workbench::look_in() {
  live_->tick(*job_);
  if (starvation_.due(StarvationWatch::Clock::now()))
    for (const std::string& note : starvation_.look(wiring_.rx_samples())) say_note(note);
  for (const std::string& note : split_frames_.look(*job_, wiring_)) say_note(note);
  events_.look(say_, run_->seconds());
}

bool Workbench::tick() {
  look_in();
  return run_->over() || events_.ends_run();
}

void Workbench::look_at_ports() {
  events_.look(say_, std::nullopt);
  if (removed().empty()) events_.reset_ports(say_);
}

bool Workbench::wait() {
  while (!tick() && !signals_.wait(Run::kTick)) {
  }
  return signals_.pending();
}

const Summary& Workbench::stop(bool interrupted) {
  run_->stop([this] { look_in(); }, [this] { return events_.a_link_is_down(); });
  look_in();
  last_pollers_ = pollers();
  Summary s;
  s.engine = engine_->name;
  s.seconds = run_->seconds();
  s.interrupted = interrupted;
  s.strict = options_.strict;
  s.lcores = run_->lcores();
  s.notes = wiring_.notes();
  s.notes.insert(s.notes.end(), starvation_.said().begin(), starvation_.said().end());
  s.notes.insert(s.notes.end(), split_frames_.said().begin(), split_frames_.said().end());
  run_.reset();
  wiring_.collect(s);
  job_->sum_up(s);
  for (std::size_t i = 0; i < s.ports.size(); ++i) {
    s.ports[i].gathered = gathered_on(*job_, i);
    s.bus.gathered += s.ports[i].gathered;
  }
  job_.reset();
  wiring_.audit(s);
  events_.sum_up(s);
  last_ = std::move(s);
  ++totals_.runs;
  totals_.seconds += last_.seconds;
  totals_.bus += last_.bus;
  subtract(totals_.bus, cleared_);
  totals_.drops += last_.drops;
  const Grade grade = verdict_of(last_).grade;
  if (grade == Grade::kFault) {
    ++totals_.faults;
    ++faults_;
  }
  reservations_ += grade == Grade::kGoodBut ? 1 : 0;
  return last_;
}

void Workbench::start_capture(const bab::CaptureOptions& what) {
  if (capture_ != nullptr)
    throw bab::Error(
        fmt::format("frames are captured to {} already; stop that first", capture_->path()));
  std::vector<bab::Port*> ports;
  for (std::size_t i = 0; i < wiring_.ports(); ++i) ports.push_back(&wiring_.port(i));
  capture_ = std::make_unique<bab::Capture>(ports, what);
}

CaptureSummary Workbench::stop_capture() {
  if (capture_ == nullptr) throw bab::Error("nothing is captured; start a capture first");
  const std::unique_ptr<bab::Capture> ended = std::move(capture_);
  ended->stop();
  return {ended->path(), ended->stats()};
}

const Summary& Workbench::close() {
  if (running()) stop();
  if (capture_ != nullptr) {
    const std::string path = capture_->path();
    try {
      capture_->stop();
    } catch (const bab::Error& e) {
      last_.capture_fault = e.what();
    }
    last_.capture = {path, capture_->stats()};
    capture_.reset();
  }
  if (const std::string fault = events_.end_fault(); !fault.empty()) last_.port_fault = fault;
  wiring_.close(last_);
  return last_;
}

WorkbenchTotals Workbench::totals() const {
  WorkbenchTotals t = totals_;
  if (!running()) return t;
  add(t.bus, LiveTotals::of(*job_));
  subtract(t.bus, cleared_);
  t.seconds += run_->seconds();
  return t;
}

std::vector<PollerView> Workbench::pollers() const {
  if (!running()) return last_pollers_;
  std::vector<PollerView> all;
  for (unsigned lcore : lcores_)
    for (const Poller* p : run_->pollers_of(lcore))
      all.push_back({lcore,
                     p->what(),
                     p->live_writer.active.load(std::memory_order_relaxed) ||
                         p->direction() == Direction::kBoth,
                     p->live_tx.messages,
                     p->live_tx.frames,
                     p->live_tx.bytes,
                     {p->live_writer.frames, p->live_writer.gathered, p->live_writer.starved}});
  return all;
}

std::vector<unsigned> Workbench::lcores_of(std::string_view pool) const {
  std::vector<unsigned> all;
  for (unsigned lcore : running() ? lcores_ : std::vector<unsigned>{}) {
    const std::vector<const Poller*> pollers = run_->pollers_of(lcore);
    const auto works_with_it = [pool](const Poller* p) {
      return std::any_of(p->pools().begin(), p->pools().end(),
                         [pool](const bab::BufferPool* each) { return each->name() == pool; });
    };
    if (std::any_of(pollers.begin(), pollers.end(), works_with_it)) all.push_back(lcore);
  }
  return all;
}

void Workbench::clear_totals() {
  totals_ = {};
  if (running()) cleared_ = LiveTotals::of(*job_);
}

unsigned Workbench::live_period() const {
  return options_.stats_period == 0 && verbose_ > 0 ? 1 : options_.stats_period;
}

void Workbench::set_verbose(unsigned level) {
  verbose_ = level;
  if (live_) live_->set_period(live_period());
}

}  // namespace testbab
