#include <array>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <bab/memory/buffer_pool.hpp>

#include "full_pool.hpp"
#include "lcores.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::on_lcore;
using test::small_pool;
using test::Turning;

TEST(BufferPoolCache, GivesAndTakesEveryBufferThroughTheCache) {
  FullPool pool(small_pool(16, 4, 1));
  const Turning turning;
  for (int round = 0; round < 10; ++round) {
    std::vector<rte_mbuf*> held;
    while (rte_mbuf* m = pool.try_acquire()) held.push_back(m);
    ASSERT_EQ(held.size(), 16U);
    ASSERT_EQ(pool.in_use(), 16U);
    for (rte_mbuf* m : held) BufferPool::release(m);
    ASSERT_EQ(pool.in_use(), 0U);
  }
}

TEST(BufferPoolCache, FetchingTheNextBufferEarlyTakesNone) {
  FullPool pool(small_pool(16, 4, 1)), without(small_pool(8, 0));
  const Turning turning;
  for (int i = 0; i < 2; ++i) {  // first with an empty cache, then with a filled one
    pool.prefetch_next();
    EXPECT_EQ(pool.in_use(), 0U);
    BufferPool::release(pool.try_acquire());
  }
  without.prefetch_next();
  std::thread([&] { pool.prefetch_next(); }).join();
  EXPECT_EQ(pool.available(), 16U);
  EXPECT_EQ(without.available(), 8U);
}

TEST(BufferPoolCache, SingleAndBulkMeetInTheSameCache) {
  FullPool pool(small_pool(16, 4, 1));
  const Turning turning;
  std::array<rte_mbuf*, 8> apart;
  ASSERT_TRUE(pool.try_acquire(apart));
  for (int round = 0; round < 10; ++round) {
    std::array<rte_mbuf*, 5> five;
    std::array<rte_mbuf*, 3> three;
    ASSERT_TRUE(pool.try_acquire(five));
    for (rte_mbuf*& m : three) ASSERT_NE(m = pool.try_acquire(), nullptr);
    ASSERT_EQ(pool.try_acquire(), nullptr);
    for (rte_mbuf* m : five) BufferPool::release(m);
    BufferPool::release(three);
  }
  BufferPool::release(apart);
}

TEST(BufferPoolCache, WhatOneLcoreReleasesPastItsCacheAnotherGets) {
  FullPool pool(small_pool(16, 2, 1));
  std::array<rte_mbuf*, 16> all;
  ASSERT_TRUE(pool.try_acquire(all));
  std::vector<rte_mbuf*> got;
  on_lcore(1, [&] {
    BufferPool::relieve();
    for (rte_mbuf* m : all) BufferPool::release(m);
  });
  EXPECT_EQ(pool.available(), 16U);
  while (rte_mbuf* m = pool.try_acquire()) got.push_back(m);
  // The cache of lcore 1 keeps at most 3 buffers, 1.5 times its size.
  EXPECT_GE(got.size(), 13U);
  BufferPool::release(got);
  on_lcore(1, [&] { BufferPool::empty_caches(); });
}

TEST(BufferPoolCache, BuffersInAnotherLcoresCacheAreNotHeld) {
  FullPool pool(small_pool(32, 4, 2));
  auto fill = [&] {
    BufferPool::relieve();
    BufferPool::release(pool.try_acquire());
  };
  on_lcore(1, fill);
  on_lcore(2, fill);
  EXPECT_EQ(pool.stats().cached.size(), 2U);
  EXPECT_EQ(pool.available(), 32U);
  EXPECT_TRUE(pool.holders(9).empty());
  rte_mbuf* held = nullptr;
  on_lcore(1, [&] { held = pool.try_acquire(); });
  const std::vector<BufferHolder> found = pool.holders(9);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].buffer_id, buffer_meta(held).id);
  EXPECT_EQ(pool.available(), 31U);
  on_lcore(1, [&] {
    BufferPool::release(held);
    BufferPool::empty_caches();
  });
  on_lcore(2, [&] { BufferPool::empty_caches(); });
}

}  // namespace
}  // namespace bab
