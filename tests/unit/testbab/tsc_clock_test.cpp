#include "tsc_clock.hpp"

#include <chrono>
#include <cstdint>
#include <thread>

#include <gtest/gtest.h>
#include <rte_cycles.h>

namespace testbab {
namespace {

using Clock = std::chrono::steady_clock;

TEST(TscClock, AgreesWithTheMonotonicClock) {
  const double hz = tsc_hz();
  // An interrupted reading causes an error. Its effect shrinks as the time between the two readings
  // grows.
  for (auto time = std::chrono::milliseconds{100}; true; time *= 2) {
    const auto from = Clock::now();
    const std::uint64_t from_tsc = rte_rdtsc_precise();
    std::this_thread::sleep_for(time);
    const auto to = Clock::now();
    const std::uint64_t to_tsc = rte_rdtsc_precise();
    const double wall = std::chrono::duration<double>(to - from).count();
    const double ours = static_cast<double>(to_tsc - from_tsc) / hz;
    if (time > std::chrono::seconds{1}) {
      EXPECT_NEAR(ours / wall, 1, 2e-3);
      return;
    }
    if (ours / wall > 0.998 && ours / wall < 1.002) return;
  }
}

TEST(TscClock, IsWhatDpdkSaysToItsPrecision) {
  const auto dpdk = static_cast<double>(rte_get_tsc_hz());
  EXPECT_NEAR(tsc_hz() / dpdk, 1, 0.02);
  EXPECT_EQ(tsc_hz(), tsc_hz());
}

}  // namespace
}  // namespace testbab
