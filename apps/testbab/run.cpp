#include "run.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include <rte_launch.h>
#include <rte_lcore.h>

#include <bab/base/error.hpp>
#include <bab/lcore/lcore.hpp>

#include "report_text.hpp"

namespace testbab {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How often the main lcore looks; a stop takes at most this longer.
constexpr milliseconds kTick{10};
/// A stage that makes no progress for so long is abandoned: what it holds is dropped and counted.
constexpr std::chrono::seconds kGrace{5};
/// So is one that makes some all the time and still doesn't finish (a peer may go on for ever).
constexpr std::chrono::seconds kLastGrace{60};

/// One lcore's loop and the pollers it was dealt.
struct Worker {
  unsigned id;
  std::unique_ptr<bab::Lcore> lcore;
  std::vector<Poller*> pollers;

  /// On its lcore: until all its pollers have finished.
  int loop() {
    lcore->run_until([this] {
      return std::all_of(pollers.begin(), pollers.end(),
                         [](const Poller* p) { return p->finished(); });
    });
    return 0;
  }
};

std::vector<Worker> deal(Job& job, const std::vector<unsigned>& lcores, bab::IdleStrategy idle) {
  std::vector<Poller*> all;
  for (const auto& stage : job.stages)
    for (const auto& p : stage) all.push_back(p.get());
  const std::size_t n = std::min(lcores.size(), all.size());
  std::vector<Worker> workers;
  for (std::size_t i = 0; i < n; ++i)
    workers.push_back({lcores[i], std::make_unique<bab::Lcore>(bab::IdleOptions{idle}), {}});
  for (std::size_t j = 0; j < all.size(); ++j) {
    Worker& w = workers[j * n / all.size()];
    w.pollers.push_back(all[j]);
    w.lcore->add(*all[j]);
  }
  return workers;
}

using Stage = std::vector<std::unique_ptr<Poller>>;

bool finished(const Stage& stage) {
  return std::all_of(stage.begin(), stage.end(), [](const auto& p) { return p->finished(); });
}

bool everything_sent(const Job& job) {
  // Stage 0 ends by itself only where it is made of senders with a --count.
  return finished(job.stages[0]);
}

struct Received {
  std::uint64_t frames = 0;  ///< dropped ones included
  std::uint64_t messages = 0;
};

Received received(const Job& job) {
  Received sum;
  for (const auto& stage : job.stages)
    for (const auto& p : stage) {
      // For --idle-exit-ms a frame that goes is as good as one that comes.
      sum.frames += p->live_rx.frames.load(std::memory_order_relaxed) +
                    p->live_rx.dropped.load(std::memory_order_relaxed) +
                    p->live_tx.frames.load(std::memory_order_relaxed);
      sum.messages += p->live_rx.messages.load(std::memory_order_relaxed);
    }
  return sum;
}

/// True once nothing has come for --idle-exit-ms.
class IdleWatch {
 public:
  explicit IdleWatch(unsigned ms) : limit_(ms) {}
  bool over(std::uint64_t frames, Clock::time_point now) {
    if (frames != last_) since_ = now;
    last_ = frames;
    return limit_.count() > 0 && now - since_ >= limit_;
  }

 private:
  milliseconds limit_;
  std::uint64_t last_ = 0;
  Clock::time_point since_ = Clock::now();
};

void stop(Job& job, StopSignals& signals, LiveText& live) {
  for (std::size_t i = 0; i < job.stages.size(); ++i) {
    job.before_stop(i);
    for (const auto& p : job.stages[i]) p->enter(Poller::Phase::kFinish);
    const auto last_deadline = Clock::now() + kLastGrace;
    auto deadline = Clock::now() + kGrace;
    std::uint64_t progress = received(job).frames;
    while (!finished(job.stages[i])) {
      if (const std::uint64_t now = received(job).frames; now != progress) {
        progress = now;
        deadline = std::min(Clock::now() + kGrace, last_deadline);
      }
      if (Clock::now() >= deadline)
        for (const auto& p : job.stages[i]) p->enter(Poller::Phase::kAbandon);
      signals.wait(milliseconds{1});
      live.tick(job);
    }
  }
}

}  // namespace

RunResult run(Job& job, const std::vector<unsigned>& lcores, const Options& options,
              StopSignals& signals, LiveText& live) {
  std::vector<Worker> workers = deal(job, lcores, options.idle);
  const auto start = Clock::now();
  bool interrupted = signals.wait(milliseconds{0});
  // Perhaps there is no link: nothing may be sent that then couldn't go.
  if (interrupted)
    for (const auto& p : job.stages[0]) p->enter(Poller::Phase::kFinish);
  for (Worker& w : workers)
    if (rte_eal_remote_launch([](void* self) { return static_cast<Worker*>(self)->loop(); }, &w,
                              w.id) != 0) {
      // Those that run already end at once; only then may their pollers go.
      for (const auto& stage : job.stages)
        for (const auto& p : stage) p->enter(Poller::Phase::kAbandon);
      rte_eal_mp_wait_lcore();
      throw bab::Error("lcore " + std::to_string(w.id) + " is busy and can't be started");
    }
  IdleWatch idle(options.idle_exit_ms);
  const std::chrono::duration<double> limit(options.duration);
  while (!interrupted) {
    interrupted = signals.wait(kTick);
    const auto now = Clock::now();
    live.tick(job);
    const Received so_far = received(job);
    const bool enough =
        job.counts_received && options.count > 0 && so_far.messages >= options.count;
    if (interrupted || enough || everything_sent(job) || idle.over(so_far.frames, now) ||
        (options.duration > 0 && now - start >= limit))
      break;
  }
  stop(job, signals, live);
  const std::chrono::duration<double> seconds = Clock::now() - start;
  rte_eal_mp_wait_lcore();
  RunResult result{seconds.count(), interrupted, {}};
  for (const Worker& w : workers) {
    const bab::LcoreCounters& c = w.lcore->counters();
    // -1: an lcore that floats over several CPUs.
    const int cpu = rte_lcore_to_cpu_id(static_cast<int>(w.id));
    result.lcores.push_back({w.id, cpu, c.turns.load(), c.busy_cycles.load(), c.idle_cycles.load(),
                             w.lcore->idle_strategy()});
  }
  return result;
}

}  // namespace testbab
