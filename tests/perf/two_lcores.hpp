#pragma once

#include <atomic>
#include <cstdint>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "interruptions.hpp"
#include "row.hpp"

namespace bench {

/// The second lcore, or RTE_MAX_LCORE if there is none.
unsigned other_lcore() noexcept;

/// Nanoseconds from one lcore to the other: half the round trip of one atomic word.
double pingpong_ns();

/// Runs `there(stop)` on the other lcore and `here()` on this one. `stop` becomes true when here()
/// has returned. there() must then return, too. Gives the interruptions of both threads.
template <class Here, class There>
std::uint64_t on_two_lcores(Here&& here, There&& there) {
  struct Other {
    There& work;
    std::atomic<bool> running{false};
    std::atomic<bool> stop{false};
    std::uint64_t interruptions = 0;
  } other{there};
  rte_eal_remote_launch(
      [](void* p) {
        auto& o = *static_cast<Other*>(p);
        o.running.store(true, std::memory_order_release);
        const std::uint64_t before = interruptions_of_thread();
        o.work(o.stop);
        o.interruptions = interruptions_of_thread() - before;
        return 0;
      },
      &other, other_lcore());
  while (!other.running.load(std::memory_order_acquire)) {
  }
  struct Stop {  // also if here() throws
    Other& other;
    ~Stop() {
      other.stop.store(true, std::memory_order_release);
      rte_eal_wait_lcore(other_lcore());
    }
  };
  const std::uint64_t before = interruptions_of_thread();
  {
    const Stop stop{other};
    here();
  }
  return interruptions_of_thread() - before + other.interruptions;
}

/// A stretch of time, by the TSC. Its first tenth is for warming up and doesn't count.
class Stretch {
 public:
  explicit Stretch(double seconds) noexcept
      : begin_(rte_rdtsc() + ticks(seconds / 10)), end_(begin_ + ticks(seconds)) {}

  /// False when the time is over. `count`: pieces of work done so far.
  bool goes_on(std::uint64_t count) noexcept {
    const std::uint64_t now = rte_rdtsc();
    if (begun_at_ == 0 && now >= begin_) {
      begun_at_ = now;
      end_ += now - begin_;  // the kernel may have had the CPU beyond end_
      first_ = count;
    }
    if (now < end_) return true;
    ended_at_ = now;
    last_ = count;
    return false;
  }

  /// Nanoseconds per piece of work, in the time that counts.
  [[nodiscard]] double ns() const noexcept {
    const double seconds =
        static_cast<double>(ended_at_ - begun_at_) / static_cast<double>(rte_get_tsc_hz());
    return seconds * 1e9 / static_cast<double>(last_ - first_);
  }

 private:
  static std::uint64_t ticks(double seconds) noexcept {
    return static_cast<std::uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz()));
  }
  std::uint64_t begin_, end_;
  std::uint64_t begun_at_ = 0, ended_at_ = 0;
  std::uint64_t first_ = 0, last_ = 0;
};

}  // namespace bench
