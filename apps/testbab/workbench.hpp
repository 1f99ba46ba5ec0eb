#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <bab/base/eal.hpp>
#include <bab/capture/capture.hpp>
#include <bab/message/local_writer.hpp>

#include "engine.hpp"
#include "live_totals.hpp"
#include "options.hpp"
#include "pinned_watch.hpp"
#include "port_events.hpp"
#include "report_text.hpp"
#include "run.hpp"
#include "split_frames.hpp"
#include "stop_signals.hpp"
#include "summary.hpp"
#include "wiring.hpp"

namespace testbab {

/// Sums over all runs since the counters were cleared.
struct WorkbenchTotals {
  unsigned runs = 0;    ///< runs that have stopped
  unsigned faults = 0;  ///< those of them with exit code 1
  double seconds = 0;
  BusTotals bus;
  bab::DropCounters drops;
};

/// A poller and its lcore, for people.
struct PollerView {
  unsigned lcore;
  std::string_view what;
  bool writes;  ///< it packs messages into frames
  std::uint64_t tx_messages, tx_frames, tx_bytes;
  bab::WriterStats writer;
};

/// The figures of a port when the user last saw or cleared them: rates refer to them.
struct PortLook {
  bool taken = false;
  std::chrono::steady_clock::time_point at;
  bab::PortStats stats;
  std::map<std::string, std::uint64_t> cleared_xstats;
};

/// What a user of testbab acts upon: the ports with their pools, the options in force, the present
/// run, and the sums of earlier runs. Runs start and stop as often as you like; ports stay
/// configured. Main thread. Whatever can't be done throws bab::Error.
class Workbench {
 public:
  /// Configures the ports; prepare() or open() starts them. `signals` must outlive the workbench.
  Workbench(const bab::Eal& eal, Options options, StopSignals& signals);
  Workbench(const Workbench&) = delete;
  Workbench& operator=(const Workbench&) = delete;
  /// Stops what runs.
  ~Workbench();

  /// Where lines of live rates go.
  void on_live_text(LiveText::Say say) {
    say_ = std::move(say);
    wiring_.on_progress(say_);
  }

  /// Starts all ports.
  void open();
  /// Prints notes on the ports' buffers that were not printed before.
  void say_notes();
  /// Makes the engine's job, and starts the ports that are stopped. With `tx_first`, one burst is
  /// sent first: for an engine that only answers.
  void prepare(bool tx_first = false);
  /// Starts what was prepared.
  void launch();
  void start(bool tx_first = false) {
    prepare(tx_first);
    launch();
  }
  [[nodiscard]] bool running() const noexcept { return run_ != nullptr; }
  /// To be called between launch() and stop(), every Run::kTick or so: prints live rates. True when
  /// the run is over.
  bool tick();
  /// To be called when nothing runs, ten times a second: prints events of ports, and resets ports
  /// that need it.
  void look_at_ports();
  /// A sentence if a port is gone, so that only close() is left. Else empty.
  [[nodiscard]] const std::string& removed() const noexcept { return events_.removed(); }
  /// Sleeps until the run is over or a signal comes: true then.
  bool wait();
  /// Stops and takes stock; ports go on. `interrupted`: for the summary to say.
  const Summary& stop(bool interrupted = false);
  /// Stops all, closes the ports, and checks that every buffer is back. Nothing can be started
  /// afterwards.
  const Summary& close();

  /// Frames of the ports are captured from now on. One capture at a time.
  void start_capture(const bab::CaptureOptions& what);
  [[nodiscard]] const bab::Capture* capture() const noexcept { return capture_.get(); }
  /// Ends the capture and gives its figures. Throws bab::Error if the disk is full; the capture has
  /// ended all the same.
  CaptureSummary stop_capture();

  /// The summary of the last run that stopped. Its engine's name is empty if there was none.
  [[nodiscard]] const Summary& last() const noexcept { return last_; }
  /// Sums over all runs. They include what the present run has published, but not what only its end
  /// can tell.
  [[nodiscard]] WorkbenchTotals totals() const;
  void clear_totals();
  /// Faults of all runs so far.
  [[nodiscard]] unsigned faults() const noexcept { return faults_; }
  /// Runs that were good with reservations, of all since the workbench was made.
  [[nodiscard]] unsigned reservations() const noexcept { return reservations_; }

  /// The present job and run, or null.
  [[nodiscard]] const Job* job() const noexcept { return run_ ? job_.get() : nullptr; }
  [[nodiscard]] const Run* run() const noexcept { return run_.get(); }
  /// Of the present run, or of the last one at its end.
  [[nodiscard]] std::vector<PollerView> pollers() const;
  /// The engine of the present run, or of the next one.
  [[nodiscard]] const Engine& engine() const noexcept {
    return run_ ? *engine_ : *find_engine(options_.engine);
  }

  /// Changes of options take effect at the next start.
  [[nodiscard]] Options& options() noexcept { return options_; }
  [[nodiscard]] Wiring& wiring() noexcept { return wiring_; }
  [[nodiscard]] PortLook& port_look(std::size_t i) { return port_looks_[i]; }
  [[nodiscard]] PinnedWatch& pinned() noexcept { return pinned_; }
  /// The pollers whose writers, rings or ports' queues have buffers of this pool. None when nothing
  /// runs.
  [[nodiscard]] std::vector<unsigned> lcores_of(std::string_view pool) const;
  [[nodiscard]] StopSignals& signals() noexcept { return signals_; }
  [[nodiscard]] const std::vector<unsigned>& lcores() const noexcept { return lcores_; }

  /// What is printed beside the answers of commands. 0: what --stats-period asks for; 1: live rates
  /// every second; 2: commands of scripts, too. Takes effect at once.
  void set_verbose(unsigned level);
  [[nodiscard]] unsigned verbose() const noexcept { return verbose_; }

 private:
  void require_started() const;
  void say_note(const std::string& note);
  void send_first();
  void look_in();
  [[nodiscard]] unsigned live_period() const;

  Options options_;
  StopSignals& signals_;
  std::vector<unsigned> lcores_;
  Wiring wiring_;
  PortEvents events_{wiring_};
  std::unique_ptr<bab::Capture> capture_;
  PinnedWatch pinned_;
  std::map<std::size_t, PortLook> port_looks_;
  LiveText::Say say_ = [](const std::string&) {};
  std::unique_ptr<LiveText> live_;
  StarvationWatch starvation_;
  SplitFrames split_frames_;
  const Engine* engine_ = nullptr;
  std::unique_ptr<Job> job_;
  std::unique_ptr<Run> run_;
  bool opened_ = false;
  Summary last_;
  std::vector<PollerView> last_pollers_;
  WorkbenchTotals totals_;
  LiveTotals cleared_;  // what the present run had published when the counters were cleared
  unsigned faults_ = 0;
  unsigned reservations_ = 0;
  unsigned verbose_ = 0;
};

}  // namespace testbab
