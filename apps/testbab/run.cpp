#include "run.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <bab/base/error.hpp>
#include <bab/bus/placement.hpp>

namespace testbab {
namespace {

using std::chrono::milliseconds;

/// A stage that makes no progress for so long is abandoned: what it holds is dropped and counted.
constexpr std::chrono::seconds kGrace{5};
/// The same where a link is down, which may be for a moment only, or a signal asks for an end of
/// the waiting.
constexpr milliseconds kHopelessGrace{500};
/// So is one that makes some all the time and still doesn't finish (a peer may go on for ever).
constexpr std::chrono::seconds kLastGrace{60};

using Stage = std::vector<std::unique_ptr<Poller>>;

bool finished(const Stage& stage) {
  return std::all_of(stage.begin(), stage.end(), [](const auto& p) { return p->finished(); });
}

}  // namespace

/// On its lcore: until all its pollers have finished.
int Run::Worker::loop() {
  lcore->run_until([this] {
    return std::all_of(pollers.begin(), pollers.end(),
                       [](const Poller* p) { return p->finished(); });
  });
  return 0;
}

Run::Run(Job& job, const std::vector<unsigned>& lcores, const Options& options,
         StopSignals& signals)
    : job_(job),
      signals_(signals),
      count_(job.counts_received || job.counts_frames ? options.count : 0),
      limit_(options.duration),
      idle_limit_(options.idle_exit_ms),
      interrupted_(signals.pending()) {
  deal(lcores, options.idle);
  // Perhaps there is no link: nothing may be sent that then couldn't go.
  if (interrupted_)
    for (const auto& p : job_.stages[0]) p->enter(Poller::Phase::kFinish);
  launch();
}

Run::~Run() {
  if (!stopped_) stop([] {}, [] { return false; });
}

void Run::deal(const std::vector<unsigned>& lcores, bab::IdleStrategy idle) {
  std::vector<Poller*> all;
  for (const auto& stage : job_.stages)
    for (const auto& p : stage) all.push_back(p.get());
  std::vector<bab::LcoreLoad> idle_lcores;
  for (const unsigned lcore : lcores) idle_lcores.push_back({lcore});
  const std::vector<bab::Placed> placed = bab::plan_placement(idle_lcores, all.size());
  for (std::size_t i = 0; i < placed.size(); ++i) {
    if (workers_.empty() || workers_.back().id != placed[i].lcore)
      workers_.push_back(
          {placed[i].lcore, std::make_unique<bab::Lcore>(bab::IdleOptions{idle}), {}});
    workers_.back().pollers.push_back(all[i]);
    workers_.back().lcore->add(*all[i]);
  }
}

void Run::launch() {
  for (Worker& w : workers_)
    if (rte_eal_remote_launch([](void* self) { return static_cast<Worker*>(self)->loop(); }, &w,
                              w.id) != 0) {
      // Those that run already end at once; only then may their pollers go.
      enter(Poller::Phase::kAbandon);
      rte_eal_mp_wait_lcore();
      throw bab::Error(fmt::format("lcore {} is busy and can't be started", w.id));
    }
}

void Run::enter(Poller::Phase phase) {
  for (const auto& stage : job_.stages)
    for (const auto& p : stage) p->enter(phase);
}

Run::Received Run::received() const {
  Received sum;
  for (const auto& stage : job_.stages)
    for (const auto& p : stage) {
      // For --idle-exit-ms a frame that goes is as good as one that comes.
      sum.good += p->live_rx.frames + p->live_tx.frames;
      sum.dropped += p->live_rx.dropped;
      sum.messages += p->live_rx.messages;
    }
  return sum;
}

bool Run::over() {
  const auto now = Clock::now();
  const Received so_far = received();
  if (so_far.frames() != idle_frames_) idle_since_ = now;
  idle_frames_ = so_far.frames();
  // Stage 0 ends by itself only where it is made of senders with a --count.
  return interrupted_ || finished(job_.stages[0]) ||
         (count_ > 0 && (job_.counts_frames ? so_far.frames() : so_far.messages) >= count_) ||
         (idle_limit_.count() > 0 && now - idle_since_ >= idle_limit_) ||
         (limit_.count() > 0 && now - start_ >= limit_);
}

void Run::stop(const std::function<void()>& tick, const std::function<bool()>& hopeless) {
  stopped_ = true;
  const bool was_asked = signals_.pending();
  for (std::size_t i = 0; i < job_.stages.size(); ++i) {
    const Stage& stage = job_.stages[i];
    job_.before_stop(i);
    for (const auto& p : stage) p->enter(Poller::Phase::kFinish);
    const auto last_deadline = Clock::now() + kLastGrace;
    auto progress_at = Clock::now();
    // Frames that are none of ours are no progress: they may come for ever.
    std::uint64_t progress = received().good;
    while (!finished(stage)) {
      const auto now = Clock::now();
      if (const std::uint64_t frames = received().good; frames != progress) {
        progress = frames;
        progress_at = now;
      }
      const bool is_short = hopeless() || (!was_asked && signals_.pending());
      if (now >= last_deadline || now - progress_at >= (is_short ? kHopelessGrace : kGrace))
        for (const auto& p : stage) p->enter(Poller::Phase::kAbandon);
      signals_.wait(milliseconds{1});
      tick();
    }
  }
  end_ = Clock::now();
  rte_eal_mp_wait_lcore();
}

double Run::seconds() const {
  return std::chrono::duration<double>((stopped_ ? end_ : Clock::now()) - start_).count();
}

std::vector<LcoreSummary> Run::lcores() const {
  std::vector<LcoreSummary> all;
  for (const Worker& w : workers_) {
    const bab::LcoreCounters& c = w.lcore->counters();
    // -1: an lcore that floats over several CPUs.
    const int cpu = rte_lcore_to_cpu_id(static_cast<int>(w.id));
    all.push_back({w.id, cpu, c.turns, c.busy_cycles, c.idle_cycles, w.lcore->idle_strategy()});
  }
  return all;
}

std::vector<const Poller*> Run::pollers_of(unsigned lcore) const {
  for (const Worker& w : workers_)
    if (w.id == lcore) return {w.pollers.begin(), w.pollers.end()};
  return {};
}

}  // namespace testbab
