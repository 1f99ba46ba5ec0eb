#pragma once

#include <atomic>
#include <cstdint>

namespace bab::detail {

/// How far a Bus is on its way from running to stopped. Only ever goes on.
enum class BusPhase : std::uint8_t {
  kRun,
  kWriters,  ///< tasks of publications end
  kDrain,    ///< what was written is sent
  kDrop,     ///< and what can't be sent is dropped
  kReceive,  ///< what is on its way is received and read
  kTasks,    ///< the other tasks end, and worker lcores with them
  kOver,     ///< worker lcores end, whatever their tasks do
  kStopped,
};

/// The Bus's thread stores (release), every loop loads (acquire): what was done before a phase is
/// seen in it.
using AtomicBusPhase = std::atomic<BusPhase>;

}  // namespace bab::detail
