#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "machine.hpp"

/// The state of Memory in the present run. memory.cpp uses it for atomic operations, and
/// watched_memory.cpp uses it to find races.
namespace bab::test::model::memory_run {

constexpr unsigned kMaxThreads = 5;
using Tick = std::uint16_t;  // small, because every byte of shadow has many ticks

/// For each thread, how many of its steps are known.
struct Clock {
  std::array<Tick, kMaxThreads> at{};

  void join(const Clock& other) noexcept {
    for (unsigned i = 0; i < kMaxThreads; ++i) at[i] = std::max(at[i], other.at[i]);
  }
  [[nodiscard]] bool knows(unsigned thread, Tick tick) const noexcept { return at[thread] >= tick; }
};

struct Store {
  std::uint64_t value = 0;
  unsigned thread = 0;
  Tick tick = 0;   // 0: before the run, known to all threads
  Clock released;  // what a thread learns if it acquires this store
};

/// An atomic object, and which of its values each thread has seen.
struct Location {
  std::vector<Store> stores;  // in modification order
  std::array<std::vector<std::pair<Tick, std::size_t>>, kMaxThreads> reads;
  std::array<std::size_t, kMaxThreads> floor{};
  std::size_t sequential_floor =
      0;  // newest that a sequentially consistent operation saw or stored
  std::uint32_t run = 0;
  bool overwritten = false;  // by a plain store
  unsigned writer = 0;
  Tick written = 0;
};

struct Buffered {
  volatile void* at;
  unsigned bytes;
  Store store;
  bool bypassed;
};

struct Thread {
  Clock clock;
  Clock fence_released;
  Clock fence_acquired;
  std::vector<Buffered> buffer;
  std::vector<Location*> stale;
};

// Only for the thread on which the Machine runs.
inline bool active = false;
inline bool within = false;  // true: an access made now belongs to no thread
inline std::uint32_t run_number = 0;
inline std::size_t late = 0;  // late stores in all buffers
inline std::array<Thread, kMaxThreads> threads;
inline std::unordered_map<std::uintptr_t, Location> locations;

inline std::uintptr_t address(const volatile void* p) noexcept {
  return reinterpret_cast<std::uintptr_t>(p);
}

inline Thread& self() noexcept { return threads[Machine::self()]; }
inline Tick& tick_of(unsigned thread) noexcept { return threads[thread].clock.at[thread]; }

/// The access isn't part of the run, or the model itself makes it.
inline bool outside() noexcept { return !active || within; }

/// Lets the first `count` of a thread's late stores arrive.
void drain(Thread& thread, std::size_t count);

/// Makes the run fail if an atomic access is a race.
void note_atomic(std::uintptr_t at, unsigned bytes, bool is_write);

}  // namespace bab::test::model::memory_run
