#include <bab/lcore/any_of.hpp>

#include <array>
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
