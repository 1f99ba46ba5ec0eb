#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include <rte_cycles.h>

#include "engine.hpp"
#include "options.hpp"
#include "stop_signals.hpp"
#include "wiring.hpp"

namespace bench {

/// One of testbab's engines, run as testbab runs it, on all ports that exist now.
class EngineRig {
 public:
  explicit EngineRig(const testbab::Options& options)
      : options_(options),
        engine_(*testbab::find_engine(options.engine)),
        wiring_(options_, engine_, 2, signals_) {
    wiring_.begin(engine_);
    job_ = engine_.make(options_, wiring_);
    wiring_.start();
  }
  EngineRig(const EngineRig&) = delete;
  EngineRig& operator=(const EngineRig&) = delete;
  ~EngineRig() {
    for (const testbab::Stage& stage : job_->stages())
      for (testbab::Poller* poller : stage) {
        poller->enter(testbab::Poller::Phase::kAbandon);
        while (!poller->finished()) poller->poll(rte_rdtsc());
      }
    testbab::Summary summary;
    wiring_.collect(summary);
    job_.reset();
    wiring_.close(summary);
  }

  [[nodiscard]] testbab::Poller& poller(std::size_t stage) noexcept {
    return *job_->stages()[stage][0];
  }
  /// The first poller of this type. Throws std::logic_error if the engine has none.
  template <class P>
  [[nodiscard]] P& find() {
    for (const testbab::Stage& stage : job_->stages())
      for (testbab::Poller* poller : stage)
        if (auto* found = dynamic_cast<P*>(poller)) return *found;
    throw std::logic_error("the engine has no poller of that type");
  }
  [[nodiscard]] testbab::Wiring& wiring() noexcept { return wiring_; }

 private:
  testbab::Options options_;
  testbab::StopSignals signals_;
  const testbab::Engine& engine_;
  testbab::Wiring wiring_;
  std::unique_ptr<testbab::Job> job_;
};

}  // namespace bench
