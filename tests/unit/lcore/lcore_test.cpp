#include <bab/lcore/lcore.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/any_of.hpp>
#include <bab/lcore/signal.hpp>

namespace bab {
namespace {

TEST(Lcore, StartsATaskInTheNextTurnAndEndsIt) {
  Lcore lcore;
  bool ran = false;
  lcore.spawn([&]() -> Task<> {
    ran = true;
    co_return;
  });
  EXPECT_FALSE(ran);
  EXPECT_EQ(lcore.tasks(), 1U);
  lcore.turn(1);
  EXPECT_TRUE(ran);
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(Lcore, DropsTasksThatNeverBegan) {
  const auto kept = std::make_shared<int>(1);
  bool ran = false;
  Lcore lcore;
  for (int i = 0; i < 2; ++i)
    lcore.spawn([&ran, kept]() -> Task<> {
      ran = true;
      co_return;
    });
  EXPECT_EQ(lcore.tasks(), 2U);
  lcore.drop_tasks();
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(kept.use_count(), 1);
  lcore.turn(1);
  EXPECT_FALSE(ran);
}

Task<int> answer() { co_return 42; }
Task<int> failing() {
  throw std::runtime_error("no answer");
  co_return 0;
}

TEST(Task, GivesItsValueAndItsException) {
  Lcore lcore;
  int got = 0;
  std::string caught;
  lcore.spawn([&]() -> Task<> {
    got = co_await answer();
    try {
      (void)co_await failing();
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
  });
  lcore.turn(1);
  EXPECT_EQ(got, 42);
  EXPECT_EQ(caught, "no answer");
}

TEST(Lcore, ThrowsWhatATaskThrewAndStops) {
  Lcore lcore;
  lcore.spawn([]() -> Task<> { (void)co_await failing(); });
  EXPECT_THROW(lcore.run(), std::runtime_error);
  EXPECT_TRUE(lcore.stop_requested());
}

TEST(Lcore, RunTasksEndsWithTheLastTask) {
  Lcore lcore;
  int turns = 0;
  for (const int n : {1, 5})
    lcore.spawn([&, n]() -> Task<> {
      for (int i = 0; i < n; ++i, ++turns) co_await Yield();
    });
  lcore.run_tasks();
  EXPECT_EQ(turns, 6);
  EXPECT_FALSE(lcore.stop_requested());
}

TEST(Lcore, RunUntilEndsWhenTheTaskItWaitsForThrew) {
  Lcore lcore;
  lcore.spawn([]() -> Task<> { (void)co_await failing(); });
  EXPECT_THROW(lcore.run_until([] { return false; }), std::runtime_error);
}

TEST(Sleep, EndsAtTheFirstTurnAtItsDeadlineInOrderOfDeadlines) {
  Lcore lcore;
  std::vector<int> order;
  const auto sleeper = [&](std::uint64_t until, int name) {
    lcore.spawn([&order, until, name]() -> Task<> {
      EXPECT_EQ(co_await Sleep(until), Outcome::kDone);
      order.push_back(name);
    });
  };
  sleeper(300, 3);
  sleeper(100, 1);
  sleeper(200, 2);
  lcore.turn(1);
  EXPECT_EQ(lcore.next_timer(), 100U);
  lcore.turn(99);
  EXPECT_TRUE(order.empty());
  lcore.turn(100);
  EXPECT_EQ(order, std::vector<int>{1});
  lcore.turn(500);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(Sleep, C20_DeadlinesUpToTheLastTickOfTheClockAreKept) {
  constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();
  Lcore lcore;
  std::vector<std::uint64_t> order;
  for (const std::uint64_t until : {kLast, kLast - 1, std::uint64_t{1} << 63})
    lcore.spawn([&order, until]() -> Task<> {
      EXPECT_EQ(co_await Sleep(until), Outcome::kDone);
      order.push_back(until);
    });
  lcore.turn(1);
  EXPECT_EQ(lcore.next_timer(), std::uint64_t{1} << 63);
  lcore.turn(kLast - 1);
  EXPECT_EQ(order.size(), 2U);
  EXPECT_EQ(lcore.next_timer(), kLast);
  lcore.turn(kLast);
  EXPECT_EQ(order, (std::vector<std::uint64_t>{std::uint64_t{1} << 63, kLast - 1, kLast}));
}

TEST(Sleep, OneThatNeverEndsIsEndedByAStop) {
  Lcore lcore;
  Outcome outcome = Outcome::kDone;
  lcore.spawn([&]() -> Task<> {
    outcome = co_await Sleep(Lcore::current()->deadline_in(~std::uint64_t{0}));
  });
  lcore.turn(1);
  lcore.turn(std::uint64_t{1} << 63);
  EXPECT_EQ(lcore.tasks(), 1U);
  lcore.request_stop();
  lcore.turn(std::uint64_t{1} << 63);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(outcome, Outcome::kCancelled);
}

TEST(Lcore, ADeadlineThatWouldWrapIsTheLast) {
  Lcore lcore;
  lcore.turn(1000);
  EXPECT_EQ(lcore.deadline_in(0), 1000U);
  EXPECT_EQ(lcore.deadline_in(50), 1050U);
  constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(lcore.deadline_in(kLast - 1000), kLast);
  EXPECT_EQ(lcore.deadline_in(kLast - 999), kLast);
  EXPECT_EQ(lcore.deadline_in(kLast), kLast);
}

TEST(Yield, LetsTheOthersHaveTheirTurn) {
  Lcore lcore;
  std::string order;
  for (char name : {'a', 'b'})
    lcore.spawn([&order, name]() -> Task<> {
      for (int i = 0; i < 3; ++i) {
        order += name;
        co_await Yield();
      }
    });
  for (int t = 1; t <= 4; ++t) lcore.turn(t);
  EXPECT_EQ(order, "ababab");
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(Lcore, StopEndsEveryWaitAndThoseThatBeginLater) {
  Lcore lcore;
  Signal never;
  std::vector<Outcome> outcomes;
  lcore.spawn([&]() -> Task<> { outcomes.push_back(co_await never.wait()); });
  lcore.spawn([&]() -> Task<> {
    outcomes.push_back(co_await Sleep(1'000'000));
    outcomes.push_back(co_await Sleep(2'000'000));
  });
  lcore.turn(1);
  EXPECT_EQ(lcore.tasks(), 2U);
  lcore.request_stop();
  lcore.turn(2);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(outcomes, std::vector<Outcome>(3, Outcome::kCancelled));
}

TEST(Signal, ParentsWakeChildrenAndNotTheOtherWayRound) {
  Lcore lcore;
  Signal parent;
  Signal left(&parent), right(&parent);
  int woken = 0;
  for (const Signal* s : {&left, &right, &parent})
    lcore.spawn([&woken, s]() -> Task<> {
      (void)co_await s->wait();
      ++woken;
    });
  lcore.turn(1);
  left.notify();
  lcore.turn(2);
  EXPECT_EQ(woken, 1);
  parent.notify();
  lcore.turn(3);
  EXPECT_EQ(woken, 3);
}

TEST(Signal, ANotificationBetweenLookAndWaitIsNotMissed) {
  Lcore lcore;
  Signal signal;
  bool woken = false;
  const std::uint64_t seen = signal.seen();
  signal.notify();
  lcore.spawn([&]() -> Task<> {
    (void)co_await signal.wait(seen);
    woken = true;
  });
  lcore.turn(1);
  EXPECT_TRUE(woken);
}

TEST(AnyOf, GoesOnWithTheFirstAndCancelsTheRest) {
  Lcore lcore;
  Signal signal;
  std::size_t index = 9;
  Outcome slept = Outcome::kDone;
  lcore.spawn([&]() -> Task<> {
    Sleep timeout(1000);
    SignalWait told = signal.wait();
    index = (co_await AnyOf(timeout, told)).index;
    slept = timeout.outcome();
  });
  lcore.turn(1);
  signal.notify();
  lcore.turn(2);
  EXPECT_EQ(index, 1U);
  EXPECT_EQ(slept, Outcome::kCancelled);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(lcore.next_timer(), std::numeric_limits<std::uint64_t>::max());
}

TEST(Lcore, FramesAreAllocatedOnceAndUsedAgain) {
  Lcore lcore;
  lcore.spawn([&]() -> Task<> {
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(co_await answer(), 42);
      co_await Yield();
    }
  });
  lcore.turn(1);
  const std::uint64_t grown = lcore.coroutines().grown();
  for (int t = 2; t < 200; ++t) lcore.turn(t);
  EXPECT_EQ(lcore.coroutines().grown(), grown);
  EXPECT_EQ(lcore.tasks(), 0U);
}

}  // namespace
}  // namespace bab
