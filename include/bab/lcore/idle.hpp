#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string_view>

namespace bab {

enum class IdleStrategy : std::uint8_t {
  kSpin,     ///< the next turn at once
  kPause,    ///< a pause instruction between turns
  kBackOff,  ///< pauses for a while, then sleeps, longer and longer up to the bound
  kMonitor,  ///< TPAUSE up to the bound, where the CPU has it; else as kPause
};

/// The name used in reports and by programs' options: "spin", "pause", "backoff", "monitor". Empty
/// for a number that is no strategy.
std::string_view idle_name(IdleStrategy strategy) noexcept;

struct IdleOptions {
  IdleStrategy strategy = IdleStrategy::kPause;
  /// The longest sleep of kBackOff and kMonitor, in microseconds, 1 … 1,000,000: an lcore notices
  /// what came meanwhile at most so late (and the operating system's own delay, some 50 µs).
  std::uint32_t max_sleep_us = 100;
};

/// What an lcore does in turns without work. One per lcore.
class Idle {
 public:
  explicit Idle(const IdleOptions& options = {});

  /// After a turn. `next_tsc`: the next timer's deadline, past which it doesn't sleep.
  void after_turn(unsigned work, std::uint64_t now_tsc, std::uint64_t next_tsc) noexcept {
    if (work > 0) {
      empty_turns_ = 0;
      return;
    }
    if (strategy_ != IdleStrategy::kSpin) rest(now_tsc, next_tsc);
  }

  /// What is really done: kMonitor becomes kPause on a CPU without TPAUSE.
  [[nodiscard]] IdleStrategy in_force() const noexcept { return strategy_; }

 private:
  void rest(std::uint64_t now_tsc, std::uint64_t next_tsc) noexcept;

  IdleStrategy strategy_;
  std::uint64_t max_sleep_tsc_;
  std::uint64_t tsc_per_us_;
  std::uint32_t empty_turns_ = 0;
};

}  // namespace bab
