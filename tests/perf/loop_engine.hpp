#pragma once

#include <stdexcept>

#include <fmt/format.h>

#include <bab/lcore/lcore.hpp>

#include "engine_rig.hpp"
#include "receiver.hpp"
#include "two_lcores.hpp"

namespace bench {

inline testbab::Options bus_options(const char* engine, std::uint32_t len) {
  testbab::Options o;
  o.engine = engine;
  o.mtu = {9000};
  o.sizes = testbab::MessageSizes(len);
  o.idle = bab::IdleStrategy::kSpin;
  return o;
}

/// testbab's loop engine. One lcore has the generator, the writer, the flusher and TX. The other
/// lcore has RX, the framer and the checker. A ring loopback port connects them.
class LoopEngine {
 public:
  explicit LoopEngine(std::uint32_t len) : LoopEngine(bus_options("loop", len)) {}
  explicit LoopEngine(const testbab::Options& options) : rig_(options) {
    sender_.add(rig_.poller(0));
    receiver_.add(rig_.poller(1));
  }

  Slice measure(double seconds) {
    Stretch stretch(seconds);
    Slice slice;
    const bab::Framer& framer = checked_.framer();
    slice.interruptions = on_two_lcores(
        [&] { receiver_.run_until([&] { return !stretch.goes_on(framer.stats().messages); }); },
        [&](const std::atomic<bool>& stop) {
          sender_.run_until([&] { return stop.load(std::memory_order_relaxed); });
        });
    slice.ns = stretch.ns();
    return slice;
  }

  /// The number of messages received so far.
  [[nodiscard]] std::uint64_t messages() { return checked_.framer().stats().messages; }

  /// Throws if a message was lost or changed.
  void check() const {
    testbab::BusTotals bus;
    checked_.checker().sum_up(bus, true);
    if (bus.corrupt + bus.lost + bus.disordered > 0)
      throw std::runtime_error(
          fmt::format("e2e: {} messages corrupt, {} lost", bus.corrupt, bus.lost));
  }

 private:
  EngineRig rig_;
  testbab::Receiver& checked_{rig_.find<testbab::Receiver>()};
  bab::Lcore sender_{{bab::IdleStrategy::kSpin}}, receiver_{{bab::IdleStrategy::kSpin}};
};

}  // namespace bench
