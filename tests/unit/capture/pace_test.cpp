#include "../../../src/capture/pace.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace bab::detail {
namespace {

TEST(CaptureBudget, KeepsPartsOfACycle) {
  CaptureBudget budget(1000);
  budget.spend(1010);
  for (int i = 0; i < 99; ++i) budget.earn(0.1);
  EXPECT_TRUE(budget.is_spent());
  for (int i = 0; i < 2; ++i) budget.earn(0.1);
  EXPECT_FALSE(budget.is_spent());
}

TEST(CaptureBudget, OwesNoMoreThanItSavesUp) {
  CaptureBudget budget(1000);
  for (int i = 0; i < 100; ++i) budget.spend(900);
  EXPECT_TRUE(budget.is_spent());
  budget.earn(1001);
  EXPECT_FALSE(budget.is_spent());
  budget.earn(1e12);
  budget.spend(1000);
  EXPECT_TRUE(budget.is_spent());
}

TEST(FrameCost, FollowsWhatFramesCost) {
  FrameCost cost;
  for (int i = 0; i < 100; ++i) cost.add(10, 20'000);
  EXPECT_NEAR(cost.ns(), 2'000, 1);
  for (int i = 0; i < 100; ++i) cost.add(10, 80'000);
  EXPECT_NEAR(cost.ns(), 8'000, 1);
}

TEST(FrameCost, TimeWithoutFramesIsNobodys) {
  FrameCost cost;
  for (int i = 0; i < 100; ++i) cost.add(10, 20'000);
  for (int i = 0; i < 6'000; ++i) cost.add(0, 8'000);
  EXPECT_NEAR(cost.ns(), 2'000, 1);
}

TEST(FrameCost, ALookHasTheWeightOfItsFramesAndALimit) {
  FrameCost cost;
  for (int i = 0; i < 100; ++i) cost.add(1'000, 2'000'000);
  cost.add(1, 1'000'000'000);
  EXPECT_LT(cost.ns(), 2'100);
  EXPECT_GT(cost.ns(), 2'000);
}

TEST(SharedNap, IsAsLongAsTheBuffersAllow) {
  SharedNap nap;
  for (int i = 0; i < 20; ++i) (void)nap.next(0.01);
  EXPECT_EQ(nap.next(0), SharedNap::kLongest);
  // The ring fills up in 2 ms.
  SharedNap::Time t = SharedNap::kLongest;
  for (int i = 0; i < 20; ++i) t = nap.next(std::min(1.0, static_cast<double>(t.count()) / 2'000));
  EXPECT_GE(t.count(), 490);
  EXPECT_LE(t.count(), 510);
  for (int i = 0; i < 20; ++i) t = nap.next(1);
  EXPECT_EQ(t, SharedNap::kShortest);
  for (int i = 0; i < 20; ++i) t = nap.next(0);
  EXPECT_EQ(t, SharedNap::kLongest);
}

}  // namespace
}  // namespace bab::detail
