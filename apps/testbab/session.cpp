#include "session.hpp"

#include <utility>

#include <fmt/format.h>

#include <bab/base/error.hpp>

namespace testbab {
namespace {

/// The worker lcores that runs may use.
std::vector<unsigned> choose_lcores(const bab::Eal& eal, const Options& options) {
  std::vector<unsigned> workers = eal.workers();
  if (workers.empty())
    throw bab::Error(
        "there is no worker lcore beside the main one; give two or more, as in -l 0-2");
  const std::size_t wanted = options.nb_cores.value_or(workers.size());
  if (wanted > workers.size())
    throw bab::Error(
        fmt::format("--nb-cores={}: EAL has {} worker lcores; give it more with -l or "
                    "--lcores",
                    wanted, workers.size()));
  workers.resize(wanted);
  return workers;
}

}  // namespace

Session::Session(const bab::Eal& eal, Options options, StopSignals& signals, std::FILE* text)
    : options_(std::move(options)),
      signals_(signals),
      text_(text),
      lcores_(choose_lcores(eal, options_)),
      wiring_(options_, *find_engine(options_.engine), static_cast<unsigned>(lcores_.size())) {}

Session::~Session() {
  run_.reset();
  job_.reset();
}

void Session::prepare() {
  const Engine& engine = *find_engine(options_.engine);
  wiring_.require(engine);
  wiring_.begin(engine);
  job_ = engine.make(options_, wiring_);
  if (!opened_) wiring_.start(signals_);
  opened_ = true;
}

void Session::launch() {
  live_ = std::make_unique<LiveText>(text_, options_.stats_period);
  run_ = std::make_unique<Run>(*job_, lcores_, options_, signals_);
}

bool Session::tick() {
  live_->tick(*job_);
  return run_->over();
}

bool Session::wait() {
  while (!tick() && !signals_.wait(Run::kTick)) {
  }
  return signals_.pending();
}

const Summary& Session::stop(bool interrupted) {
  run_->stop([this] { live_->tick(*job_); });
  Summary s;
  s.engine = options_.engine;
  s.seconds = run_->seconds();
  s.interrupted = interrupted;
  s.lcores = run_->lcores();
  run_.reset();
  wiring_.collect(s);
  job_->sum_up(s);
  job_.reset();
  last_ = std::move(s);
  return last_;
}

void Session::start_capture(const bab::CaptureOptions& what) {
  if (capture_ != nullptr)
    throw bab::Error(
        fmt::format("frames are captured to {} already; stop that first", capture_->path()));
  std::vector<bab::Port*> ports;
  for (std::size_t i = 0; i < wiring_.ports(); ++i) ports.push_back(&wiring_.port(i));
  capture_ = std::make_unique<bab::Capture>(ports, what);
}

CaptureSummary Session::stop_capture() {
  if (capture_ == nullptr) throw bab::Error("nothing is captured; start a capture first");
  const std::unique_ptr<bab::Capture> ended = std::move(capture_);
  ended->stop();
  return {ended->path(), ended->stats()};
}

const Summary& Session::close() {
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
  wiring_.close(last_);
  return last_;
}

}  // namespace testbab
