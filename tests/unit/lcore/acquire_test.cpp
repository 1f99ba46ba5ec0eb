#include <bab/lcore/acquire.hpp>

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>

#include "full_pool.hpp"

namespace bab {
namespace {

using test::FullPool;

TEST(Acquire, WaitsForABufferAndServesInOrder) {
  FullPool pool(1);
  Lcore lcore;
  std::vector<int> order;
  rte_mbuf* held = pool.try_acquire();
  for (int name : {1, 2, 3})
    lcore.spawn([&pool, &order, name]() -> Task<> {
      rte_mbuf* m = co_await pool.acquire();
      order.push_back(name);
      co_await Yield();
      BufferPool::release(m);
    });
  lcore.turn(1);
  EXPECT_EQ(pool.stats().waiting, 3U);
  EXPECT_TRUE(order.empty());
  BufferPool::release(held);
  EXPECT_EQ(pool.try_acquire(), nullptr) << "nobody barges in";
  for (int t = 2; t < 12; ++t) lcore.turn(t);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(Acquire, WhatACancelledOneHadGathersGoesToTheNext) {
  FullPool pool(3);
  Lcore lcore;
  rte_mbuf* held = pool.try_acquire();
  bool bulk_cancelled = false, got = false;
  lcore.spawn([&]() -> Task<> {
    std::array<rte_mbuf*, 3> three;
    AcquireBulk all = pool.acquire(three);
    Sleep timeout(50);
    const auto first = co_await AnyOf(all, timeout);
    bulk_cancelled = first.index == 1 && all.outcome() == Outcome::kCancelled;
  });
  lcore.spawn([&]() -> Task<> {
    rte_mbuf* m = co_await pool.acquire();
    got = m != nullptr;
    BufferPool::release(m);
  });
  lcore.turn(1);
  lcore.turn(2);
  EXPECT_FALSE(got) << "the bulk acquire was first";
  lcore.turn(60);
  lcore.turn(61);
  lcore.turn(62);
  EXPECT_TRUE(bulk_cancelled);
  EXPECT_TRUE(got);
  BufferPool::release(held);
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(Acquire, MoreThanThePoolHasIsNeverGranted) {
  FullPool pool(2);
  Lcore lcore;
  Outcome outcome = Outcome::kDone;
  lcore.spawn([&]() -> Task<> {
    std::array<rte_mbuf*, 3> three;
    outcome = co_await pool.acquire(three);
  });
  lcore.turn(1);
  EXPECT_EQ(outcome, Outcome::kClosed);
}

TEST(Acquire, StopCancelsAndNothingIsKept) {
  FullPool pool(1);
  Lcore lcore;
  rte_mbuf* held = pool.try_acquire();
  rte_mbuf* got = held;
  lcore.spawn([&]() -> Task<> { got = co_await pool.acquire(); });
  lcore.turn(1);
  lcore.request_stop();
  lcore.turn(2);
  EXPECT_EQ(got, nullptr);
  EXPECT_EQ(pool.stats().waiting, 0U);
  BufferPool::release(held);
  rte_mbuf* again = pool.try_acquire();
  ASSERT_NE(again, nullptr);
  BufferPool::release(again);
}

TEST(Acquire, EvenThoseWhoFindNoPlaceInTheLineAreServed) {
  FullPool pool(2);
  Lcore lcore;
  rte_mbuf* held[2] = {pool.try_acquire(), pool.try_acquire()};
  std::vector<int> order;
  constexpr int kTasks = 1024 + 200;
  for (int name = 0; name < kTasks; ++name)
    lcore.spawn([&pool, &order, name]() -> Task<> {
      rte_mbuf* m = co_await pool.acquire();
      order.push_back(name);
      BufferPool::release(m);
    });
  lcore.turn(1);
  EXPECT_EQ(pool.stats().waiting, 1024U);
  BufferPool::release(held);
  for (int t = 2; lcore.tasks() > 0 && t < 5000; ++t) lcore.turn(t);
  std::vector<int> wanted(kTasks);
  for (int i = 0; i < kTasks; ++i) wanted[i] = i;
  EXPECT_EQ(order, wanted);
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(BufferPoolStats, HighWaterCountsBulksAndAwaitedBuffers) {
  for (std::uint32_t cache : {0U, 2U}) {
    FullPool pool(test::small_pool(16, cache));
    std::array<rte_mbuf*, 14> some;
    ASSERT_TRUE(pool.try_acquire(some));
    EXPECT_GE(pool.stats().most_out, 14U);
    BufferPool::release(some);
    Lcore lcore;
    lcore.spawn([&]() -> Task<> {
      std::array<rte_mbuf*, 16> all;
      EXPECT_EQ(co_await pool.acquire(all), Outcome::kDone);
      BufferPool::release(all);
    });
    lcore.turn(1);
    EXPECT_EQ(pool.stats().most_out, 16U);
  }
}

}  // namespace
}  // namespace bab
