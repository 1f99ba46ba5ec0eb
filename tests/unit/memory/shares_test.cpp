#include <bab/memory/shares.hpp>

#include <atomic>

#include <gtest/gtest.h>

#include <bab/memory/buffer_pool.hpp>

#include "full_pool.hpp"
#include "lcores.hpp"

namespace bab {
namespace {

using test::FullPool;

TEST(Shares, ANewBufferHasOneTheFrames) {
  FullPool pool(2);
  rte_mbuf* m = pool.try_acquire();
  EXPECT_EQ(Shares<>::count(m), 1U);
  EXPECT_TRUE(Shares<>::give_up(m));
  BufferPool::recycle(m);
}

TEST(Shares, OnlyTheLastGivenUpReturnsTheBuffer) {
  FullPool pool(2);
  rte_mbuf* m = pool.try_acquire();
  Shares<>::take(m);
  Shares<>::take(m, 3);
  EXPECT_EQ(Shares<>::count(m), 5U);
  EXPECT_FALSE(Shares<>::give_up(m, 2));
  EXPECT_FALSE(Shares<>::give_up(m));
  EXPECT_TRUE(Shares<>::give_up(m, 2));
  BufferPool::recycle(m);
}

TEST(Shares, GivingUpAllAtOnceReturnsTheBuffer) {
  FullPool pool(2);
  rte_mbuf* m = pool.try_acquire();
  Shares<>::take(m, 6);
  EXPECT_TRUE(Shares<>::give_up(m, 7));
  BufferPool::recycle(m);
  m = pool.try_acquire();
  EXPECT_EQ(Shares<>::count(m), 1U) << "a free buffer's count is 1, as drivers expect";
  BufferPool::release(m);
}

TEST(Shares, TryTakeStopsAtTheLimitAndChangesNothing) {
  FullPool pool(2);
  rte_mbuf* m = pool.try_acquire();
  Shares<>::take(m, Shares<>::kLimit - 2);
  EXPECT_TRUE(Shares<>::try_take(m));
  EXPECT_EQ(Shares<>::count(m), 0x8000U);
  EXPECT_FALSE(Shares<>::try_take(m));
  EXPECT_EQ(Shares<>::count(m), 0x8000U);
  EXPECT_FALSE(Shares<>::give_up(m));
  EXPECT_TRUE(Shares<>::try_take(m));
  EXPECT_TRUE(Shares<>::give_up(m, 0x8000));
  BufferPool::recycle(m);
}

TEST(Shares, ADriverGivesUpExactlyOne) {
  FullPool pool(2);
  rte_mbuf* m = pool.try_acquire();
  Shares<>::take(m);
  rte_pktmbuf_free_seg(m);
  EXPECT_EQ(Shares<>::count(m), 1U);
  EXPECT_EQ(pool.in_use(), 1U);
  BufferPool::release(m);
}

TEST(Shares, NoneIsLostBetweenTwoLcores) {
  FullPool pool(2);
  rte_mbuf* m = pool.try_acquire();
  Shares<>::take(m, 2);  // one for each lcore below
  std::atomic<bool> go{false};
  std::atomic<int> last{0};
  auto work = [&] {
    while (!go.load()) {
    }
    for (int i = 0; i < 100'000; ++i) {
      Shares<>::take(m);
      if (Shares<>::give_up(m)) ++last;
    }
    if (Shares<>::give_up(m)) ++last;
  };
  test::start_on(1, work);
  test::start_on(2, work);
  go = true;
  test::wait_for(1, work);
  test::wait_for(2, work);
  EXPECT_EQ(last, 0);
  EXPECT_EQ(Shares<>::count(m), 1U);
  BufferPool::release(m);
}

}  // namespace
}  // namespace bab
