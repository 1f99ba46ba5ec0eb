#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <bab/lcore/lcore.hpp>

#include "engine.hpp"
#include "stop_signals.hpp"

namespace testbab {

/// A job's pollers on their lcores, from launch to the last frame. All calls on the main lcore,
/// which looks in now and then and sleeps in between.
class Run {
 public:
  /// How often to look; a stop takes at most this longer.
  static constexpr std::chrono::milliseconds kTick{10};

  /// Launches. Throws bab::Error when an lcore is busy. After a signal that came before, the run
  /// ends at once and nothing is sent. `job` and `signals` must outlive the run.
  Run(Job& job, const std::vector<unsigned>& lcores, const Options& options, StopSignals& signals);
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  /// Stops, where stop() wasn't called.
  ~Run();

  /// All of --count is sent or received, or --duration or --idle-exit-ms is over, or the run was
  /// interrupted before it began.
  [[nodiscard]] bool over();

  /// Stops the job stage by stage and waits until its lcores are free. Calls `tick` all along.
  /// A stage that makes no progress isn't waited for long; still less after a signal, and while
  /// `hopeless` says so (a link is down).
  void stop(const std::function<void()>& tick, const std::function<bool()>& hopeless);

  /// From the first poll to the last frame, or until now.
  [[nodiscard]] double seconds() const;
  /// What the lcores did so far.
  [[nodiscard]] std::vector<LcoreSummary> lcores() const;
  /// The pollers that an lcore was dealt.
  [[nodiscard]] std::vector<const Poller*> pollers_of(unsigned lcore) const;

 private:
  using Clock = std::chrono::steady_clock;

  /// One lcore's loop and the pollers it was dealt.
  struct Worker {
    unsigned id;
    std::unique_ptr<bab::Lcore> lcore;
    std::vector<Poller*> pollers;

    int loop();
  };
  struct Received {
    std::uint64_t good = 0;     ///< frames, without those that were dropped
    std::uint64_t dropped = 0;  ///< frames
    [[nodiscard]] std::uint64_t frames() const noexcept { return good + dropped; }
    std::uint64_t messages = 0;
  };

  void deal(const std::vector<unsigned>& lcores, bab::IdleStrategy idle);
  void launch();
  void enter(Poller::Phase phase);
  [[nodiscard]] Received received() const;
  /// Of all pollers: one may wait for another.
  [[nodiscard]] std::uint64_t progress() const;

  Job& job_;
  StopSignals& signals_;
  std::vector<Worker> workers_;
  std::uint64_t count_;  // messages or frames to receive; 0: no end
  std::chrono::duration<double> limit_;
  std::chrono::milliseconds idle_limit_;
  bool stopped_ = false;
  bool interrupted_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point end_;
  std::uint64_t idle_frames_ = 0;
  Clock::time_point idle_since_ = start_;
};

}  // namespace testbab
