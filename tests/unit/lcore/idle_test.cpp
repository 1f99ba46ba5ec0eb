#include <bab/lcore/idle.hpp>

#include <limits>
#include <set>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <bab/lcore/lcore.hpp>
#include <bab/lcore/signal.hpp>

#include "lcores.hpp"

namespace bab {
namespace {

constexpr std::uint64_t kNoTimer = std::numeric_limits<std::uint64_t>::max();

std::uint64_t us_to_tsc(std::uint64_t us) { return rte_get_tsc_hz() / 1'000'000 * us; }

TEST(Idle, DoesWhatItWasToldWhereTheCpuCan) {
  EXPECT_EQ(Idle().in_force(), IdleStrategy::kPause);
  for (const IdleStrategy s : {IdleStrategy::kSpin, IdleStrategy::kPause, IdleStrategy::kBackOff})
    EXPECT_EQ(Idle({s}).in_force(), s);
  const IdleStrategy monitor = Idle({IdleStrategy::kMonitor}).in_force();
  EXPECT_TRUE(monitor == IdleStrategy::kMonitor || monitor == IdleStrategy::kPause);
  EXPECT_EQ(Lcore({IdleStrategy::kSpin}).idle_strategy(), IdleStrategy::kSpin);
}

TEST(Idle, EachStrategyHasANameOfItsOwn) {
  std::set<std::string_view> names;
  unsigned n = 0;
  for (; !idle_name(static_cast<IdleStrategy>(n)).empty(); ++n)
    names.insert(idle_name(static_cast<IdleStrategy>(n)));
  EXPECT_EQ(names.size(), n);
  EXPECT_THAT(names, testing::IsSupersetOf({"spin", "pause", "backoff", "monitor"}));
}

/// The duration of the shortest of `times` empty turns, in TSC ticks. Other turns may be longer,
/// because the machine is busy with something else.
std::uint64_t shortest_rest(Idle& idle, int times, std::uint64_t next_after) {
  std::uint64_t shortest = kNoTimer;
  for (int i = 0; i < times; ++i) {
    const std::uint64_t before = rte_rdtsc();
    idle.after_turn(0, before, next_after == kNoTimer ? kNoTimer : before + next_after);
    shortest = std::min(shortest, rte_rdtsc() - before);
  }
  return shortest;
}

TEST(Idle, BackOffSleepsAndAwakensWithinItsBound) {
  Idle idle({IdleStrategy::kBackOff, 2000});
  EXPECT_LT(shortest_rest(idle, 200, kNoTimer), us_to_tsc(20)) << "no sleep at first";
  // The sleep grows (1, 2, 4 … µs) until it is as long as the bound.
  (void)shortest_rest(idle, 256 + 8 * 11, kNoTimer);
  const std::uint64_t rest = shortest_rest(idle, 5, kNoTimer);
  EXPECT_GE(rest, us_to_tsc(1900));
  EXPECT_LT(rest, us_to_tsc(2000 + 20'000)) << "of five, all were late by more than 20 ms";
  idle.after_turn(1, rte_rdtsc(), kNoTimer);
  EXPECT_LT(shortest_rest(idle, 200, kNoTimer), us_to_tsc(20)) << "work sets it back";
}

TEST(Idle, NoSleepPastTheNextTimer) {
  Idle idle({IdleStrategy::kBackOff, 1'000'000});
  (void)shortest_rest(idle, 256 + 8 * 14, us_to_tsc(1));
  EXPECT_LT(shortest_rest(idle, 5, us_to_tsc(500)), us_to_tsc(500 + 20'000));
  const std::uint64_t before = rte_rdtsc();
  idle.after_turn(0, before, before);
  EXPECT_LT(rte_rdtsc() - before, us_to_tsc(900'000)) << "a timer that is due already";
}

TEST(Idle, BoundsThatMakeNoSenseAreBroughtIntoRange) {
  Idle never({IdleStrategy::kBackOff, 0});
  EXPECT_LT(shortest_rest(never, 1000, kNoTimer), us_to_tsc(20'000));
  Idle forever({IdleStrategy::kBackOff, 0xffff'ffff});
  (void)shortest_rest(forever, 300, kNoTimer);
}

TEST(LcoreCounters, AddUpToTheTimeOfTheRun) {
  for (const IdleStrategy s : {IdleStrategy::kSpin, IdleStrategy::kPause, IdleStrategy::kBackOff,
                               IdleStrategy::kMonitor}) {
    // If the operating system takes the CPU away during a turn, the whole time counts for that
    // turn. The test makes several runs. One undisturbed run shows that sleeping is idle time.
    bool mostly_idle = false;
    for (int run = 0; run < 10 && !mostly_idle; ++run) {
      Lcore lcore({s, 50});
      std::uint64_t turns = 0;
      lcore.spawn([&]() -> Task<> {
        const std::uint64_t began = lcore.now();
        for (int i = 1; i <= 50; ++i) {
          (void)co_await Sleep(began + i * us_to_tsc(100));
          for (int k = 0; k < 10; ++k) co_await Yield();
        }
        turns = lcore.counters().turns;
        lcore.request_stop();
      });
      const std::uint64_t before = rte_rdtsc();
      lcore.run();
      const std::uint64_t took = rte_rdtsc() - before;
      const LcoreCounters& c = lcore.counters();
      EXPECT_GE(took, us_to_tsc(5000));
      EXPECT_LE(c.busy_cycles + c.idle_cycles, took);
      EXPECT_GE(c.busy_cycles + c.idle_cycles, took * 9 / 10) << "none of it is in neither";
      EXPECT_GT(c.busy_cycles, 0U);
      mostly_idle = c.idle_cycles > c.busy_cycles;
      EXPECT_GE(turns, 500U);
      EXPECT_GE(c.turns, turns);
    }
    EXPECT_TRUE(mostly_idle) << "50 times 100 µs of sleep";
  }
}

TEST(LcoreCounters, AnLcoreThatSleepsNoticesASignalWithinTheBound) {
  Signal signal;
  std::uint64_t woken = 0;
  auto work = [&] {
    Lcore lcore({IdleStrategy::kBackOff, 1000});
    lcore.spawn([&]() -> Task<> {
      (void)co_await signal.wait(0);
      woken = rte_rdtsc();
      lcore.request_stop();
    });
    lcore.run();
  };
  std::uint64_t shortest = kNoTimer;
  for (int i = 0; i < 5; ++i) {
    test::start_on(1, work);
    rte_delay_us_sleep(20'000);  // by now the lcore sleeps 1 ms at a time
    const std::uint64_t seen = signal.seen();
    const std::uint64_t told = rte_rdtsc();
    if (seen == 0) signal.notify();
    test::wait_for(1, work);
    if (seen == 0) shortest = std::min(shortest, woken - told);
  }
  EXPECT_LT(shortest, us_to_tsc(1000 + 50'000));
}

}  // namespace
}  // namespace bab
