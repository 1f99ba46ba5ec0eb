#include <bab/bus/pool_plan.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/memory/buffer_pool.hpp>

#include "full_pool.hpp"

namespace bab {
namespace {

TEST(PoolPlan, IsTheSumOfItsTerms) {
  const PoolPlan plan = plan_pool({.held = 128,
                                   .lcores = 3,
                                   .cache = 250,
                                   .burst = 32,
                                   .writers = 8,
                                   .backlog = 64,
                                   .reading = 65,
                                   .extra = 10});
  EXPECT_EQ(plan.buffers, 128U + 3 * 375 + 3 * 64 + 2 * 8 + 64 + 65 + 10);
  std::uint32_t sum = 0;
  for (const PoolPlan::Term& term : plan.terms) sum += term.buffers;
  EXPECT_EQ(sum, plan.buffers);
  EXPECT_THAT(plan.text(),
              testing::HasSubstr("16 of 8 writers: an open frame and a buffer set aside each"));
}

TEST(PoolPlan, LeavesOutWhatIsNone) {
  const PoolPlan plan = plan_pool({.held = 0, .lcores = 1, .cache = 0, .burst = 32});
  ASSERT_EQ(plan.terms.size(), 1U);
  EXPECT_EQ(plan.buffers, 64U);
}

TEST(PoolPlan, IsAtMostWhatAPoolCanHave) {
  const PoolPlan plan = plan_pool({.held = 0xffffffff, .lcores = 0xffffffff, .writers = 1});
  EXPECT_EQ(plan.buffers, 0xfffffffeU);
  ASSERT_EQ(plan.terms.size(), 1U);
  EXPECT_EQ(plan_pool({.lcores = 1, .cache = 0xffffffff}).buffers, 0xfffffffeU);
  EXPECT_EQ(plan_pool({.lcores = 0xffffffff, .cache = 0xffffffff}).buffers, 0xfffffffeU);
  EXPECT_EQ(plan_pool({.lcores = 0xffffffff, .cache = 0, .burst = 0xffffffff}).buffers,
            0xfffffffeU);
}

/// A pool of the planned size doesn't shorten the caches: each lcore may keep as many buffers as
/// the plan asked for.
TEST(PoolPlan, LetsCachesBeAsLargeAsTheyWereToBe) {
  const PoolPlan plan = plan_pool({.held = 1024, .lcores = 2, .cache = 32, .writers = 4});
  test::FullPool pool(test::small_pool(plan.buffers, 32, 2));
  EXPECT_EQ(pool.caches().size(), 32U);
}

TEST(PoolPlan, AsksForAsMuchMemoryAsAPoolTakes) {
  EXPECT_GE(buffer_bytes(2176), 2176U + sizeof(rte_mbuf) + sizeof(BufferMeta));
}

}  // namespace
}  // namespace bab
