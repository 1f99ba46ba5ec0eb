#include "starvation_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace testbab {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RxSample sample(std::uint64_t taken, std::uint64_t missed, std::uint64_t nombuf) {
  return {.port = 1,
          .taken = taken,
          .missed = missed,
          .nombuf = nombuf,
          .pool = "rx_1",
          .free = 0,
          .buffers = 951};
}

TEST(StarvationWatch, LooksOnceAPeriod) {
  StarvationWatch watch;
  const StarvationWatch::Clock::time_point start{std::chrono::hours{1}};
  EXPECT_FALSE(watch.due(start));
  EXPECT_FALSE(watch.due(start + StarvationWatch::kPeriod / 2));
  EXPECT_TRUE(watch.due(start + StarvationWatch::kPeriod));
  EXPECT_FALSE(watch.due(start + StarvationWatch::kPeriod * 3 / 2));
  EXPECT_TRUE(watch.due(start + StarvationWatch::kPeriod * 2));
}

TEST(StarvationWatch, SaysEachCauseOnce) {
  StarvationWatch watch;
  EXPECT_THAT(watch.look({sample(0, 0, 0)}), IsEmpty()) << "nobody sends";
  EXPECT_THAT(watch.look({sample(0, 0, 40)}),
              ElementsAre(AllOf(HasSubstr("port 1"), HasSubstr("40 frames"), HasSubstr("rx_nombuf"),
                                HasSubstr("rx_1 has 0 of 951"), HasSubstr("--total-num-mbufs"))));
  EXPECT_THAT(watch.look({sample(0, 0, 80)}), IsEmpty());
  EXPECT_THAT(watch.look({sample(0, 7, 90)}),
              ElementsAre(AllOf(HasSubstr("7 frames"), HasSubstr("rx_missed"))));
  EXPECT_THAT(watch.look({sample(0, 17, 90)}), IsEmpty());
  EXPECT_EQ(watch.said().size(), 2U);
}

TEST(StarvationWatch, IsQuietWhileFramesAreTaken) {
  StarvationWatch watch;
  EXPECT_THAT(watch.look({sample(5, 10, 0)}), IsEmpty());
  EXPECT_THAT(watch.look({sample(6, 900, 90)}), IsEmpty()) << "overload, and no starvation";
}

}  // namespace
}  // namespace testbab
