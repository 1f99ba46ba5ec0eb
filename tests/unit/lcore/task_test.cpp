#include <bab/lcore/task.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <bab/lcore/lcore.hpp>

namespace bab {
namespace {

Task<std::uint64_t> same(std::uint64_t n) { co_return n; }

TEST(Task, AMillionThatNeverWaitNeedNoMoreStackThanOne) {
  Lcore lcore;
  std::uint64_t sum = 0;
  lcore.spawn([&]() -> Task<> {
    for (std::uint64_t i = 0; i < 1'000'000; ++i) sum += co_await same(i);
  });
  lcore.turn(1);
  EXPECT_EQ(sum, 499'999'500'000U);
}

Task<std::uint64_t> yielding(std::uint64_t n) {
  co_await Yield();
  co_return n;
}

TEST(Task, NorDoThoseThatWaitNowAndThen) {
  Lcore lcore;
  std::uint64_t sum = 0;
  lcore.spawn([&]() -> Task<> {
    for (std::uint64_t i = 0; i < 300'000; ++i)
      sum += i % 100 == 0 ? co_await yielding(i) : co_await same(i);
  });
  for (int t = 1; lcore.tasks() > 0; ++t) lcore.turn(t);
  EXPECT_EQ(sum, 44'999'850'000U);
}

TEST(Task, GivesWhatCanOnlyBeMoved) {
  Lcore lcore;
  std::unique_ptr<std::string> got;
  lcore.spawn([&]() -> Task<> {
    got = co_await []() -> Task<std::unique_ptr<std::string>> {
      co_return std::make_unique<std::string>("moved");
    }();
  });
  lcore.turn(1);
  ASSERT_NE(got, nullptr);
  EXPECT_EQ(*got, "moved");
}

TEST(Task, AnExceptionAfterAWaitIsCarriedThroughEveryDepth) {
  Lcore lcore;
  std::string caught;
  struct Deep {
    static Task<> down(int depth) {
      co_await Yield();
      if (depth == 0) throw std::runtime_error("from below");
      co_await down(depth - 1);
    }
  };
  lcore.spawn([&]() -> Task<> {
    try {
      co_await Deep::down(20);
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
  });
  for (int t = 1; lcore.tasks() > 0; ++t) lcore.turn(t);
  EXPECT_EQ(caught, "from below");
}

TEST(Lcore, AMakeThatThrowsIsATaskThatThrew) {
  Lcore lcore;
  lcore.spawn([]() -> Task<> { throw std::runtime_error("no task"); });
  EXPECT_THROW(lcore.run(), std::runtime_error);
}

/// A poller is allowed to throw: what it left must not look like a turn that still goes on.
struct ThrowingPoller {
  unsigned poll(std::uint64_t) { throw std::runtime_error("poll"); }
};

TEST(Lcore, APollersExceptionLeavesTheTurnInOrder) {
  Lcore lcore;
  ThrowingPoller poller;
  lcore.add(poller);
  EXPECT_THROW(lcore.run(), std::runtime_error);
  EXPECT_EQ(Lcore::current(), nullptr);
  EXPECT_EQ(FramePool::current(), nullptr);
}

TEST(Lcore, AStopEndsALoopOfAwaitsThatNeverHadToWait) {
  Lcore lcore;
  int rounds = 0;
  lcore.spawn([&]() -> Task<> {
    while (co_await Sleep(0) == Outcome::kDone && rounds < 1000) {
      ++rounds;
      co_await Yield();
    }
  });
  for (int t = 1; t < 10; ++t) lcore.turn(t);
  lcore.request_stop();
  lcore.turn(10);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(rounds, 9);
}

TEST(Lcore, FramesOfATaskThatAnotherLcoreSpawnedFindTheirWayHome) {
  Lcore one;
  {
    Lcore two;
    one.spawn([&]() -> Task<> {
      two.spawn([]() -> Task<> { co_await Yield(); });
      co_return;
    });
    one.turn(1);
    for (int t = 1; two.tasks() > 0; ++t) two.turn(t);
  }
  one.turn(2);
  EXPECT_EQ(one.tasks(), 0U);
}

}  // namespace
}  // namespace bab
