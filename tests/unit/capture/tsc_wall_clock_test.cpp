#include "../../../src/capture/tsc_wall_clock.hpp"

#include <chrono>
#include <cstdint>

#include <gtest/gtest.h>
#include <rte_cycles.h>

namespace bab::detail {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;  // in nanoseconds

/// The TSC runs at 2 GHz, and the clock assumes 0.1 % less. The clock is set every 10 ms for an
/// hour.
TEST(TscWallClock, DoesNotDriftWhereTheRateIsAnEstimate) {
  constexpr std::uint64_t kHz = 2'000'000'000, kStart = 1'700'000'000 * kSecond, kFirst = 12'345;
  constexpr std::uint64_t kStep = kSecond / 100, kSteps = 3600 * 100;
  TscWallClock clock(kHz - kHz / 1000, {kFirst, kStart});
  RisingTime rising;
  std::uint64_t last = 0;
  for (std::uint64_t i = 1; i <= kSteps; ++i) {
    const std::uint64_t ns = i * kStep;
    for (const std::uint64_t at : {ns - kStep / 2, ns}) {  // times asked for since the last setting
      const std::uint64_t got = rising.next(clock.ns(kFirst + at * 2));
      ASSERT_GE(got, last);
      ASSERT_LT(got, kStart + at + 12'000) << "more than 10 ms by 0.1 %";
      ASSERT_GT(got + 12'000, kStart + at);
      last = got;
    }
    clock.set({kFirst + ns * 2, kStart + ns});
  }
}

TEST(TscWallClock, TimesBeforeTheReading) {
  const TscWallClock clock(1'000'000'000, {5000, 100 * kSecond});
  EXPECT_EQ(clock.ns(5000), 100 * kSecond);
  EXPECT_EQ(clock.ns(4000), 100 * kSecond - 1000);
  EXPECT_EQ(clock.ns(6000), 100 * kSecond + 1000);
}

TEST(TscWallClock, IsTheRealClock) {
  using namespace std::chrono;
  const auto now = [] {
    return static_cast<std::uint64_t>(
        duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count());
  };
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t before = now();
    const auto read = TscWallClock::read();
    const std::uint64_t after = now();
    if (!read) continue;
    EXPECT_GE(read->ns, before);
    EXPECT_LE(read->ns, after);
    EXPECT_LE(read->tsc, rte_get_tsc_cycles());
    return;
  }
  FAIL() << "never read";
}

/// A clock that needs 70, 50, 60 and 80 us to be read, as under some hypervisors.
TEST(TscWallClock, ASlowClockIsReadWhenItMustBe) {
  static std::uint64_t tsc, reads;
  const TscWallClock::Sources slow{
      []() noexcept { return tsc; },
      []() noexcept {
        constexpr std::uint64_t kTakes[] = {70'000, 50'000, 60'000, 80'000};
        tsc += kTakes[reads++ % 4];
        return kSecond + tsc;
      },
      1'000'000'000};
  tsc = reads = 0;
  EXPECT_FALSE(TscWallClock::read(false, slow));
  tsc = reads = 0;
  const auto read = TscWallClock::read(true, slow);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->tsc, 70'000U + 25'000U) << "the middle of the quickest reading";
  EXPECT_EQ(read->ns, kSecond + 120'000U);
}

TEST(RisingTime, GoesBackOnlyWithAClockThatWasSet) {
  RisingTime time;
  EXPECT_EQ(time.next(10 * kSecond), 10 * kSecond);
  EXPECT_EQ(time.next(10 * kSecond - 1), 10 * kSecond);
  EXPECT_EQ(time.next(9 * kSecond + 1), 10 * kSecond);
  EXPECT_EQ(time.next(10 * kSecond + 1), 10 * kSecond + 1);
  EXPECT_EQ(time.next(3 * kSecond), 3 * kSecond);
  EXPECT_EQ(time.next(4 * kSecond), 4 * kSecond);
}

}  // namespace
}  // namespace bab::detail
