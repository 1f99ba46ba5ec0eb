#include <bab/memory/buffer_pool.hpp>

#include <array>

#include <gtest/gtest.h>

#include <bab/base/error.hpp>

#include "full_pool.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::small_pool;

TEST(BufferPool, GivesEachBufferOnceAndThenNone) {
  FullPool pool(4);
  std::array<rte_mbuf*, 4> held;
  for (rte_mbuf*& m : held) ASSERT_NE(m = pool.try_acquire(), nullptr);
  EXPECT_EQ(pool.try_acquire(), nullptr);
  EXPECT_EQ(pool.in_use(), 4U);
  BufferPool::release(held);
}

TEST(BufferPool, BulkIsAllOrNothing) {
  FullPool pool(4);
  std::array<rte_mbuf*, 3> three;
  std::array<rte_mbuf*, 2> two;
  ASSERT_TRUE(pool.try_acquire(three));
  EXPECT_FALSE(pool.try_acquire(two));
  EXPECT_EQ(pool.in_use(), 3U);
  BufferPool::release(three);
  ASSERT_TRUE(pool.try_acquire(two));
  BufferPool::release(two);
}

TEST(BufferPool, KnowsItsBuffersAndNoOthers) {
  FullPool pool(2);
  rte_mempool* foreign = rte_pktmbuf_pool_create("foreign", 2, 0, 0, 256, SOCKET_ID_ANY);
  ASSERT_NE(foreign, nullptr);
  rte_mbuf* ours = pool.try_acquire();
  rte_mbuf* theirs = rte_pktmbuf_alloc(foreign);
  EXPECT_EQ(BufferPool::of(ours), &pool);
  EXPECT_EQ(BufferPool::of(theirs), nullptr);
  BufferPool::release(ours);
  rte_pktmbuf_free(theirs);
  rte_mempool_free(foreign);
}

}  // namespace
}  // namespace bab
