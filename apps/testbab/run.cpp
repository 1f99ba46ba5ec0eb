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
/// The same where a link is down, which may be for a moment only, and after a signal, which asks
/// for an end of the waiting.
constexpr milliseconds kHopelessGrace{500};
/// A stage that always makes progress and doesn't finish in this time is abandoned, too.
constexpr std::chrono::seconds kLastGrace{60};
/// The same where a signal began the stop, and from a signal on that came during it.
constexpr std::chrono::seconds kSignalledGrace{2};

bool finished(const Stage& stage) {
  return std::all_of(stage.begin(), stage.end(), [](const Poller* p) { return p->finished(); });
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
  // Perhaps there is no link: nothing is sent that couldn't go then.
  if (interrupted_)
    for (Poller* p : job_.stages()[0]) p->enter(Poller::Phase::kFinish);
  launch();
}

Run::~Run() {
  if (!stopped_) stop([] {}, [] { return false; });
}

void Run::deal(const std::vector<unsigned>& lcores, bab::IdleStrategy idle) {
  std::vector<Poller*> all;
  for (const Stage& stage : job_.stages()) all.insert(all.end(), stage.begin(), stage.end());
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
      // Lcores that run already must end before their pollers are destroyed.
      enter(Poller::Phase::kAbandon);
      rte_eal_mp_wait_lcore();
      throw bab::Error(fmt::format("lcore {} is busy and can't be started", w.id));
    }
}

void Run::enter(Poller::Phase phase) {
  for (const Stage& stage : job_.stages())
    for (Poller* p : stage) p->enter(phase);
}

Run::Received Run::received() const {
  Received sum;
  for (const Stage& stage : job_.stages())
    for (const Poller* p : stage) {
      // For --idle-exit-ms a frame that goes is as good as one that comes.
      sum.good += p->live_rx.frames + p->live_tx.frames;
      sum.dropped += p->live_rx.dropped;
      sum.messages += p->live_rx.messages;
    }
  return sum;
}

std::uint64_t Run::progress() const {
  std::uint64_t sum = 0;
  for (const Stage& stage : job_.stages())
    for (const Poller* p : stage) sum += p->progress();
  return sum;
}

bool Run::over() {
  const auto now = Clock::now();
  const Received so_far = received();
  if (so_far.frames() != idle_frames_) idle_since_ = now;
  idle_frames_ = so_far.frames();
  // Stage 0 finishes by itself only where it consists of senders with a --count.
  return interrupted_ || finished(job_.stages()[0]) ||
         (count_ > 0 && (job_.counts_frames ? so_far.frames() : so_far.messages) >= count_) ||
         (idle_limit_.count() > 0 && now - idle_since_ >= idle_limit_) ||
         (limit_.count() > 0 && now - start_ >= limit_);
}

void Run::stop(const std::function<void()>& tick, const std::function<bool()>& hopeless) {
  stopped_ = true;
  const bool was_asked = signals_.pending();
  const milliseconds grace = was_asked ? kGrace : std::max<milliseconds>(kGrace, job_.patience());
  const milliseconds last_grace =
      was_asked ? kSignalledGrace : std::max<milliseconds>(kLastGrace, grace);
  for (std::size_t i = 0; i < job_.stages().size(); ++i) {
    const Stage& stage = job_.stages()[i];
    job_.before_stop(i);
    for (Poller* p : stage) p->enter(Poller::Phase::kFinish);
    auto last_deadline = Clock::now() + last_grace;
    auto progress_at = Clock::now();
    std::uint64_t last_progress = progress();
    while (!finished(stage)) {
      const auto now = Clock::now();
      if (const std::uint64_t so_far = progress(); so_far != last_progress) {
        last_progress = so_far;
        progress_at = now;
      }
      const bool is_signalled = !was_asked && signals_.pending();
      if (is_signalled) last_deadline = std::min(last_deadline, now + kSignalledGrace);
      const bool is_short = is_signalled || hopeless();
      if (now >= last_deadline || now - progress_at >= (is_short ? kHopelessGrace : grace))
        for (Poller* p : stage) p->enter(Poller::Phase::kAbandon);
      signals_.wait(milliseconds{1});
      tick();
    }
  }
  end_ = Clock::now();
  rte_eal_mp_wait_lcore();
}

namespace {

/// -1: it floats over several. rte_lcore_to_cpu_id() gives the core's number on its socket.
int cpu_of(unsigned lcore) {
  const rte_cpuset_t cpus = rte_lcore_cpuset(lcore);
  if (CPU_COUNT(&cpus) != 1) return -1;
  int cpu = 0;
  while (!CPU_ISSET(cpu, &cpus)) ++cpu;
  return cpu;
}

}  // namespace

double Run::seconds() const {
  return std::chrono::duration<double>((stopped_ ? end_ : Clock::now()) - start_).count();
}

std::vector<LcoreSummary> Run::lcores() const {
  std::vector<LcoreSummary> all;
  for (const Worker& w : workers_) {
    const bab::LcoreCounters& c = w.lcore->counters();
    all.push_back(
        {w.id, cpu_of(w.id), c.turns, c.busy_cycles, c.idle_cycles, w.lcore->idle_strategy()});
  }
  return all;
}

std::vector<const Poller*> Run::pollers_of(unsigned lcore) const {
  for (const Worker& w : workers_)
    if (w.id == lcore) return {w.pollers.begin(), w.pollers.end()};
  return {};
}

}  // namespace testbab
