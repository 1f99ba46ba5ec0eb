#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "options.hpp"
#include "poller.hpp"
#include "summary.hpp"

namespace testbab {

class Wiring;

/// A run of an engine: its pollers, and what came of them.
class Job {
 public:
  virtual ~Job() = default;

  /// Pollers in groups that are stopped one after the other: what sends before what receives.
  /// Neighbours share an lcore where there are fewer lcores than pollers.
  std::vector<std::vector<std::unique_ptr<Poller>>> stages;

  /// Nothing is generated: --count is of messages received.
  bool counts_received = false;
  /// Nor are messages looked at: --count is of frames received.
  bool counts_frames = false;

  /// On the main thread, when stage `next` - 1 has finished and before `next` is asked to.
  virtual void before_stop(std::size_t next) { (void)next; }

  /// Round trips so far, where the engine takes them. Main thread, also while it runs.
  [[nodiscard]] virtual std::optional<Latency> latency() const { return std::nullopt; }

  /// When all have finished: the totals of the run and the engine's rows of the ledger.
  virtual void sum_up(Summary& summary) const = 0;
};

/// An engine. The table of them is all that options, help and main know.
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
};

std::span<const Engine> engines();
const Engine* find_engine(std::string_view name);
std::string engine_names();  ///< "loop, txonly, …"
std::string engine_help();   ///< a line each

}  // namespace testbab
