#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"
#include "poller.hpp"
#include "summary.hpp"

namespace testbab {

class Wiring;

/// Pollers that are stopped together.
using Stage = std::vector<Poller*>;

/// A run of an engine: its pollers, and what came of them. A derived class has the pollers as
/// members and names them, stage by stage, in its constructor.
class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;

  /// In the order in which they are stopped: what sends before what receives. Neighbours share an
  /// lcore where there are fewer lcores than pollers.
  [[nodiscard]] const std::vector<Stage>& stages() const noexcept { return stages_; }

  /// Nothing is generated: --count is of messages received.
  bool counts_received = false;
  /// Messages aren't looked at, either: --count is of frames received.
  bool counts_frames = false;

  /// On the main thread, when stage `next` - 1 has finished and before `next` is asked to.
  virtual void before_stop(std::size_t next) { (void)next; }

  /// It may wait so long for something that was sent, and a stop that no signal began lets it.
  [[nodiscard]] virtual std::chrono::milliseconds patience() const { return {}; }

  /// Round trips so far, where the engine takes them. Main thread, also while it runs.
  [[nodiscard]] virtual std::optional<Latency> latency() const { return std::nullopt; }

  /// When all have finished: the totals of the run and the engine's rows of the ledger.
  virtual void sum_up(Summary& summary) const = 0;

 protected:
  void add_stage(Poller& poller) { stages_.push_back({&poller}); }
  template <class P>
  void add_stage(const std::vector<std::unique_ptr<P>>& pollers) {
    Stage& stage = stages_.emplace_back();
    for (const auto& poller : pollers) stage.push_back(poller.get());
  }

 private:
  std::vector<Stage> stages_;
};

/// What options, help, main and the prompt know of an engine. Each engine's own file has it.
struct Engine {
  const char* name;
  const char* help;
  unsigned loopback_ports;  ///< made of rings where EAL brought no port: 0, 1, or 2 with a cable
  bool makes_messages;      ///< --rate and sizes are for it
  const char* port_use;     ///< for the sentence when there is none: "a port to receive on"
  unsigned most_ports;
  /// Default name of what it sends. Receivers take a name that begins with TESTBAB for a
  /// Generator's.
  const char* session;
  std::unique_ptr<Job> (*make)(const Options&, Wiring&);
  /// Throws bab::Error: options that `make` would refuse whatever the ports are. Null: none.
  void (*require)(const Options&) = nullptr;
};

/// The last member of an Engine whose Job is a J.
template <class J>
std::unique_ptr<Job> make_job(const Options& options, Wiring& wiring) {
  return std::make_unique<J>(options, wiring);
}

/// All that this program has, in the order in which they are listed (engine_table.cpp).
std::span<const Engine* const> engines();

const Engine* find_engine(std::string_view name);
std::string engine_names();  ///< "loop, txonly, …"
std::string engine_help();   ///< a line each

}  // namespace testbab
