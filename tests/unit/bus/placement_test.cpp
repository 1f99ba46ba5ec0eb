#include <bab/bus/placement.hpp>

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bab {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<unsigned> lcores_of(const std::vector<Placed>& placed) {
  std::vector<unsigned> all;
  for (const Placed& p : placed) all.push_back(p.lcore);
  return all;
}

TEST(PlanPlacement, OneGoesWhereTheFewestAre) {
  const std::vector<LcoreLoad> loads{{4, 2}, {5, 1}, {6, 1}};
  const std::vector<Placed> placed = plan_placement(loads, 1);
  EXPECT_THAT(lcores_of(placed), ElementsAre(5));
  EXPECT_EQ(placed[0].why, "fewest pollers (1) of lcores 4, 5, 6");
}

TEST(PlanPlacement, SeveralAreSpreadAndNeighboursShare) {
  const std::vector<LcoreLoad> three{{1}, {2}, {3}};
  EXPECT_THAT(lcores_of(plan_placement(three, 2)), ElementsAre(1, 2));
  EXPECT_THAT(lcores_of(plan_placement(three, 3)), ElementsAre(1, 2, 3));
  EXPECT_THAT(lcores_of(plan_placement(three, 5)), ElementsAre(1, 1, 2, 2, 3));
  const std::vector<LcoreLoad> four{{1}, {2}, {3}, {4}};
  EXPECT_THAT(lcores_of(plan_placement(four, 6)), ElementsAre(1, 1, 2, 3, 3, 4));
}

TEST(PlanPlacement, LcoresWithMoreAreLeftOut) {
  const std::vector<LcoreLoad> loads{{1, 1}, {2, 0}, {3, 0}};
  EXPECT_THAT(lcores_of(plan_placement(loads, 4)), ElementsAre(2, 2, 3, 3));
}

TEST(PlanPlacement, IsEmptyWhereThereIsNoLcoreOrNoPoller) {
  EXPECT_THAT(plan_placement({}, 3), IsEmpty());
  const std::vector<LcoreLoad> one{{1}};
  EXPECT_THAT(plan_placement(one, 0), IsEmpty());
}

/// With any numbers, the pollers are spread evenly: each lcore has one if there are enough, and no
/// lcore has two more than another.
TEST(PlanPlacement, IsEven) {
  for (unsigned lcores = 1; lcores <= 9; ++lcores)
    for (std::size_t pollers = 1; pollers <= 20; ++pollers) {
      std::vector<LcoreLoad> loads;
      for (unsigned id = 1; id <= lcores; ++id) loads.push_back({id});
      const std::vector<unsigned> placed = lcores_of(plan_placement(loads, pollers));
      EXPECT_TRUE(std::is_sorted(placed.begin(), placed.end()));
      std::vector<long> per_lcore;
      for (unsigned id = 1; id <= lcores; ++id)
        per_lcore.push_back(std::count(placed.begin(), placed.end(), id));
      const auto [least, most] = std::minmax_element(per_lcore.begin(), per_lcore.end());
      EXPECT_LE(*most - *least, 1) << lcores << " lcores, " << pollers << " pollers";
    }
}

}  // namespace
}  // namespace bab
