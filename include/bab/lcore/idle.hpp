#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string_view>

namespace bab {

enum class IdleStrategy : std::uint8_t {
  kSpin,     ///< starts the next turn at once
  kPause,    ///< executes a pause instruction between turns
  kBackOff,  ///< pauses at first, then sleeps longer and longer, up to the bound
  kMonitor,  ///< TPAUSE up to the bound, if the CPU has it; else as kPause
};

/// The name used in reports and by programs' options: "spin", "pause", "backoff", "monitor". Empty
/// for a number that is no strategy.
std::string_view idle_name(IdleStrategy strategy) noexcept;

struct IdleOptions {
  IdleStrategy strategy = IdleStrategy::kPause;
  /// The longest sleep of kBackOff and kMonitor, in microseconds, 1 … 1,000,000. An lcore may
  /// notice an event that much later (plus the operating system's own delay, some 50 µs).
  std::uint32_t max_sleep_us = 100;
};

/// What an lcore does in turns without work. One per lcore.
class Idle {
 public:
  explicit Idle(const IdleOptions& options = {});

  /// Call it after each turn. `work`: what the turn returned. `next_tsc`: the next timer's
  /// deadline, in TSC ticks; it doesn't sleep past that. On the lcore.
  void after_turn(unsigned work, std::uint64_t now_tsc, std::uint64_t next_tsc) noexcept {
    if (work > 0) {
      empty_turns_ = 0;
      return;
    }
    if (strategy_ != IdleStrategy::kSpin) rest(now_tsc, next_tsc);
  }

  /// The strategy in use: kPause instead of kMonitor on a CPU without TPAUSE.
  [[nodiscard]] IdleStrategy in_force() const noexcept { return strategy_; }

 private:
  void rest(std::uint64_t now_tsc, std::uint64_t next_tsc) noexcept;

  IdleStrategy strategy_;
  std::uint64_t max_sleep_tsc_;
  std::uint64_t tsc_per_us_;
  std::uint32_t empty_turns_ = 0;
};

}  // namespace bab
