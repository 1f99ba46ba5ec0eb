// DPDK 22.11 declares TPAUSE and its CPU flag only with this.
#define ALLOW_EXPERIMENTAL_API

#include <bab/lcore/idle.hpp>

#include <algorithm>

#include <rte_cpuflags.h>
#include <rte_cycles.h>
#include <rte_pause.h>
#include <rte_power_intrinsics.h>

namespace bab {
namespace {

/// Empty turns before kBackOff sleeps: after a burst the lcore stays awake for some microseconds,
/// in case another comes.
constexpr std::uint32_t kPausesFirst = 256;

IdleStrategy possible(IdleStrategy wanted) {
  if (wanted != IdleStrategy::kMonitor) return wanted;
  rte_cpu_intrinsics cpu{};
  rte_cpu_get_intrinsics_support(&cpu);
  return cpu.power_pause != 0 ? wanted : IdleStrategy::kPause;
}

}  // namespace

std::string_view idle_name(IdleStrategy strategy) noexcept {
  switch (strategy) {
    case IdleStrategy::kSpin:
      return "spin";
    case IdleStrategy::kPause:
      return "pause";
    case IdleStrategy::kBackOff:
      return "backoff";
    case IdleStrategy::kMonitor:
      return "monitor";
  }
  return "";
}

Idle::Idle(const IdleOptions& options)
    : strategy_(possible(options.strategy)),
      max_sleep_tsc_(std::clamp(options.max_sleep_us, 1U, 1'000'000U) *
                     (rte_get_tsc_hz() / 1'000'000)),
      tsc_per_us_(std::max<std::uint64_t>(1, rte_get_tsc_hz() / 1'000'000)) {}

void Idle::rest(std::uint64_t now_tsc, std::uint64_t next_tsc) noexcept {
  rte_pause();
  if (strategy_ == IdleStrategy::kPause || ++empty_turns_ <= kPausesFirst) return;
  std::uint64_t ticks = max_sleep_tsc_;
  // 1, 2, 4 … µs, up to the bound.
  if (const std::uint32_t doublings = (empty_turns_ - kPausesFirst) / 8; doublings < 20)
    ticks = std::min(ticks, tsc_per_us_ << doublings);
  if (next_tsc <= now_tsc) return;
  ticks = std::min(ticks, next_tsc - now_tsc);
  if (strategy_ == IdleStrategy::kMonitor)
    (void)rte_power_pause(now_tsc + ticks);
  else if (ticks >= tsc_per_us_)
    rte_delay_us_sleep(static_cast<unsigned>(ticks / tsc_per_us_));
}

}  // namespace bab
