#include <bab/lcore/any_of.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/acquire.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/signal.hpp>

#include "full_pool.hpp"

namespace bab {
namespace {

using test::FullPool;

TEST(AnyOf, WhatItHadMayBeAwaitedAgainOnItsOwn) {
  Lcore lcore;
  Signal signal;
  std::vector<Outcome> outcomes;
  lcore.spawn([&]() -> Task<> {
    Sleep sleep(100);
    for (std::uint64_t seen : {0U, 1U}) {
      SignalWait told = signal.wait(seen);
      outcomes.push_back((co_await AnyOf(told, sleep)).outcome);
    }
    outcomes.push_back(co_await sleep);
  });
  lcore.turn(1);
  signal.notify();
  lcore.turn(2);
  signal.notify();
  lcore.turn(3);
  lcore.turn(99);
  EXPECT_EQ(lcore.tasks(), 1U);
  lcore.turn(100);
  EXPECT_EQ(outcomes, std::vector<Outcome>(3, Outcome::kDone));
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(AnyOf, MayItselfBeAwaitedAgain) {
  Lcore lcore;
  std::vector<std::size_t> firsts;
  lcore.spawn([&]() -> Task<> {
    Signal a;
    SignalWait told = a.wait(0);
    Sleep sleep(50);
    AnyOf either(told, sleep);
    firsts.push_back((co_await either).index);
    a.notify();
    firsts.push_back((co_await either).index);
  });
  lcore.turn(1);
  lcore.turn(50);
  EXPECT_EQ(firsts, (std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(lcore.tasks(), 0U);
}

/// This is a function because GCC 12 can't await a variable that a lambda captures by reference.
template <class Awaitable, class Result>
Task<> await_into(Awaitable& awaitable, Result& result) {
  result = co_await awaitable;
}

template <std::size_t N>
concept HasAnyOf = requires {
  typename AnyOf<N>;
};
template <class... Waits>
concept TakenByAnyOf = requires(Waits&&... waits) {
  AnyOf(std::forward<Waits>(waits)...);
};

TEST(AnyOf, C07_TakesOneWaitOrMoreThatAreVariables) {
  EXPECT_TRUE(HasAnyOf<1>);
  EXPECT_FALSE(HasAnyOf<0>);
  EXPECT_TRUE((TakenByAnyOf<Sleep&, SignalWait&>));
  EXPECT_FALSE((TakenByAnyOf<>));
  EXPECT_FALSE((TakenByAnyOf<Sleep&, Sleep>)) << "a temporary";
  EXPECT_FALSE((TakenByAnyOf<const Sleep&>));
  EXPECT_FALSE((TakenByAnyOf<Sleep&, int&>));
  EXPECT_FALSE((std::is_constructible_v<AnyOf<2>, Sleep&>)) << "of two";
  EXPECT_FALSE(std::is_move_constructible_v<AnyOf<1>>);
}

TEST(AnyOf, AwaitedByTwoTheSecondIsRefused) {
  Lcore lcore;
  Signal signal;
  Sleep sleep(50);
  SignalWait told = signal.wait();
  AnyOf either(told, sleep);
  AnyOfBase::First first{9, Outcome::kDone}, second = first, third = first;
  lcore.spawn([&] { return await_into(either, first); });
  lcore.spawn([&] { return await_into(either, second); });
  lcore.turn(1);
  EXPECT_EQ(first.index, 9U);
  EXPECT_EQ(second.index, 0U);
  EXPECT_EQ(second.outcome, Outcome::kRefused);
  lcore.turn(50);
  EXPECT_EQ(first.index, 1U);
  EXPECT_EQ(first.outcome, Outcome::kDone);
  signal.notify();
  lcore.spawn([&] { return await_into(either, third); });
  lcore.turn(51);
  EXPECT_EQ(third.index, 0U);
  EXPECT_EQ(third.outcome, Outcome::kDone);
}

TEST(AnyOf, OneThatHasLostMayBeAwaitedBeforeItGoesOn) {
  Lcore lcore;
  Signal a, b;
  SignalWait told_a = a.wait(), told_b = b.wait();
  std::size_t first = 9;
  Outcome outcome = Outcome::kCancelled;
  bool both = false;
  lcore.spawn([&]() -> Task<> {  // this task goes on before the AnyOf below
    while (!both) co_await Yield();
    co_await await_into(told_b, outcome);
  });
  lcore.spawn([&]() -> Task<> { first = (co_await AnyOf(told_a, told_b)).index; });
  lcore.turn(1);
  both = true;
  a.notify();
  lcore.turn(2);
  EXPECT_EQ(first, 0U);
  EXPECT_TRUE(told_b.waiting());
  b.notify();
  lcore.turn(3);
  EXPECT_EQ(outcome, Outcome::kDone);
}

TEST(Yield, AwaitedByTwoTheSecondGoesOnAtOnce) {
  Lcore lcore;
  Yield yield;
  std::string order;
  for (const char name : {'a', 'b'})
    lcore.spawn([&, name]() -> Task<> {
      Yield& same = yield;
      co_await same;
      order += name;
    });
  lcore.turn(1);
  EXPECT_EQ(order, "b");
  EXPECT_EQ(yield.outcome(), Outcome::kRefused);
  lcore.turn(2);
  EXPECT_EQ(order, "ba");
  EXPECT_EQ(yield.outcome(), Outcome::kDone);
  lcore.turn(3);
  EXPECT_EQ(order, "ba");
}

TEST(AnyOf, AYieldEndsInTheNextTurn) {
  Lcore lcore;
  std::size_t first = 9;
  lcore.spawn([&]() -> Task<> {
    Sleep sleep(50);
    Yield yield;
    first = (co_await AnyOf(sleep, yield)).index;
  });
  lcore.turn(1);
  EXPECT_EQ(first, 9U);
  lcore.turn(2);
  EXPECT_EQ(first, 1U);
}

TEST(AnyOf, OneThatSomebodyCancelsIsTheFirst) {
  Lcore lcore;
  Sleep* waiting = nullptr;
  AnyOfBase::First first{9, Outcome::kDone};
  lcore.spawn([&]() -> Task<> {
    Sleep sooner(50), later(60);
    waiting = &later;
    first = co_await AnyOf(sooner, later);
  });
  lcore.turn(1);
  waiting->cancel();
  lcore.turn(2);
  EXPECT_EQ(first.index, 1U);
  EXPECT_EQ(first.outcome, Outcome::kCancelled);
  EXPECT_EQ(lcore.next_timer(), std::numeric_limits<std::uint64_t>::max());
}

TEST(Acquire, TheSameOneAwaitedAgainGetsOtherBuffers) {
  FullPool pool(1);
  Lcore lcore;
  rte_mbuf* held = pool.try_acquire();
  std::vector<rte_mbuf*> got;
  lcore.spawn([&]() -> Task<> {
    Acquire acquire = pool.acquire();
    got.push_back(co_await acquire);
    got.push_back(co_await acquire);
  });
  lcore.turn(1);
  BufferPool::release(held);
  lcore.turn(2);
  ASSERT_EQ(got.size(), 1U);
  lcore.turn(3);
  EXPECT_EQ(got.size(), 1U) << "granted what the task itself holds";
  BufferPool::release(got[0]);
  lcore.turn(4);
  ASSERT_EQ(got.size(), 2U);
  BufferPool::release(got[1]);
}

TEST(Channel, AReceiveAwaitedAgainAfterAStopHasReceivedNothing) {
  FullPool pool(1);
  BufferChannel channel(2);
  Lcore lcore;
  std::size_t received = 9;
  lcore.spawn([&]() -> Task<> {
    std::array<rte_mbuf*, 1> out{pool.try_acquire()};
    EXPECT_EQ(channel.try_send(out), 1U);
    auto receive = channel.receive(out);
    EXPECT_EQ(co_await receive, Outcome::kDone);
    BufferPool::release(out);
    co_await Yield();
    EXPECT_EQ(co_await receive, Outcome::kCancelled);
    received = receive.received();
  });
  lcore.turn(1);
  lcore.request_stop();
  lcore.turn(2);
  EXPECT_EQ(received, 0U);
}

}  // namespace
}  // namespace bab
