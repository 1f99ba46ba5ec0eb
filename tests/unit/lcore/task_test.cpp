#include <bab/lcore/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

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

/// True if a T that is a variable can be awaited, not only one made in the same expression.
template <class T>
concept AwaitsAVariable = requires(T& task) {
  operator co_await(std::move(task));
}
|| requires(T& task) { operator co_await(task); };

TEST(Task, C06_CantBeAwaitedTwice) {
  EXPECT_FALSE(AwaitsAVariable<Task<int>>);
  EXPECT_FALSE(AwaitsAVariable<Task<>>);
  EXPECT_FALSE(AwaitsAVariable<const Task<>>);
  EXPECT_FALSE(std::is_move_constructible_v<Task<int>>);
}

TEST(Task, NeverAwaitedItNeverRuns) {
  bool ran = false;
  const auto make = [&ran]() -> Task<> {
    ran = true;
    co_return;
  };
  { [[maybe_unused]] const Task<> never = make(); }
  EXPECT_FALSE(ran);
}

struct Pair {
  Pair() = delete;
  Pair(int n, std::unique_ptr<int> p) : number(n), pointer(std::move(p)) {}
  int number;
  std::unique_ptr<int> pointer;
};
struct Aggregate {
  int number;
  std::string text;
};

TEST(Task, TakesWhatIsInBraces) {
  Lcore lcore;
  int sum = 0;
  lcore.spawn([&]() -> Task<> {
    const Pair pair = co_await []() -> Task<Pair> { co_return {1, std::make_unique<int>(2)}; }();
    const Aggregate aggregate = co_await []() -> Task<Aggregate> {
      co_await Yield();
      co_return {3, "four"};
    }();
    sum = pair.number + *pair.pointer + aggregate.number + int(aggregate.text.size());
  });
  lcore.turn(1);
  lcore.turn(2);
  EXPECT_EQ(sum, 1 + 2 + 3 + 4);
}

template <class T, class Given>
concept Returns = requires(typename Task<T>::promise_type promise, Given given) {
  promise.return_value(std::forward<Given>(given));
};

TEST(Task, ConvertsWhatItIsGivenOnlyAsAReturnWould) {
  EXPECT_TRUE((Returns<std::unique_ptr<int>, std::unique_ptr<int>>));
  EXPECT_TRUE((Returns<std::unique_ptr<int>, std::nullptr_t>));
  EXPECT_FALSE((Returns<std::unique_ptr<int>, int*>)) << "explicit only";
  EXPECT_FALSE((Returns<int&, int>)) << "a reference to what goes";
}

TEST(Task, GivesAReference) {
  Lcore lcore;
  int number = 1;
  std::string caught;
  lcore.spawn([&]() -> Task<> {
    int& same = co_await [](int& n) -> Task<int&> { co_return n; }(number);
    same = 2;
    const int& read = co_await [](const int& n) -> Task<const int&> {
      co_await Yield();
      co_return n;
    }(number);
    EXPECT_EQ(&read, &number);
    try {
      (void)co_await []() -> Task<int&> {
        throw std::runtime_error("none");
        co_return *new int;
      }();
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
  });
  lcore.turn(1);
  lcore.turn(2);
  EXPECT_EQ(number, 2);
  EXPECT_EQ(caught, "none");
}

/// A coroutine's variables are destroyed with it and only once, no matter who ends the coroutine
/// and when.
TEST(Task, AFrameGoesOnceWithWhatItHolds) {
  Lcore lcore;
  const auto held = std::make_shared<int>(1);
  const auto inner = [](std::shared_ptr<int> p) -> Task<int> {
    co_await Yield();
    co_return *p;
  };
  int sum = 0;
  lcore.spawn([&]() -> Task<> {
    for (int i = 0; i < 3; ++i) sum += co_await inner(held) + co_await inner(held);
  });
  for (int t = 1; lcore.tasks() > 0; ++t) lcore.turn(t);
  EXPECT_EQ(sum, 6);
  EXPECT_EQ(held.use_count(), 1);
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

/// A poller may throw. Afterwards nothing must look as if the turn still went on.
struct ThrowingPoller {
  unsigned poll(std::uint64_t) { throw std::runtime_error("poll"); }
};

TEST(Lcore, APollersExceptionLeavesTheTurnInOrder) {
  Lcore lcore;
  ThrowingPoller poller;
  lcore.add(poller);
  EXPECT_THROW(lcore.run(), std::runtime_error);
  EXPECT_EQ(Lcore::current(), nullptr);
  EXPECT_EQ(CoroutinePool::current(), nullptr);
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
