#pragma once

#include <cstdio>
#include <memory>
#include <vector>

#include <bab/base/eal.hpp>
#include <bab/port/capture.hpp>

#include "engine.hpp"
#include "options.hpp"
#include "report_text.hpp"
#include "run.hpp"
#include "stop_signals.hpp"
#include "summary.hpp"
#include "wiring.hpp"

namespace testbab {

/// What a user acts upon: the ports with their pools, the options in force, the present run and what came of
/// those before. Runs start and stop as often as one likes; ports stay configured. Main thread; whatever
/// can't be done is a bab::Error.
class Session {
 public:
  /// Configures the ports; start() or open() starts them. `text` gets live rates; it and `signals` must
  /// outlive the session.
  Session(const bab::Eal& eal, Options options, StopSignals& signals, std::FILE* text);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  /// Stops what runs.
  ~Session();

  /// Starts all ports.
  void open() { wiring_.start(signals_); }
  /// Makes the engine's job and starts the ports that never were.
  void prepare();
  /// Starts what was prepared.
  void launch();
  void start() {
    prepare();
    launch();
  }
  [[nodiscard]] bool running() const noexcept { return run_ != nullptr; }
  /// Between start() and stop(), every Run::kTick or so: live rates. True when the run is over.
  bool tick();
  /// Sleeps until the run is over or a signal comes: true then.
  bool wait();
  /// Stops and takes stock; ports go on. `interrupted`: for the summary to say.
  const Summary& stop(bool interrupted = false);
  /// Stops all, closes the ports and looks whether every buffer is back: nothing can be started any more.
  const Summary& close();

  /// Frames of the ports are captured from now on. One capture at a time.
  void start_capture(const bab::CaptureOptions& what);
  [[nodiscard]] const bab::Capture* capture() const noexcept { return capture_.get(); }
  /// Ends the capture; its figures. A full disk is an error, after which it has ended all the same.
  CaptureSummary stop_capture();

  /// Of the last run, when it has stopped.
  [[nodiscard]] const Summary& last() const noexcept { return last_; }

  [[nodiscard]] Options& options() noexcept { return options_; }
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] Wiring& wiring() noexcept { return wiring_; }
  [[nodiscard]] StopSignals& signals() noexcept { return signals_; }
  [[nodiscard]] const std::vector<unsigned>& lcores() const noexcept { return lcores_; }

 private:
  Options options_;
  StopSignals& signals_;
  std::FILE* text_;
  std::vector<unsigned> lcores_;
  Wiring wiring_;
  std::unique_ptr<bab::Capture> capture_;
  std::unique_ptr<LiveText> live_;
  std::unique_ptr<Job> job_;
  std::unique_ptr<Run> run_;
  bool opened_ = false;
  Summary last_;
};

}  // namespace testbab
