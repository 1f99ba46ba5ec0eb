#include "replay_times.hpp"

#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace testbab {
namespace {

using testing::ElementsAre;

/// The due times in milliseconds, for time stamps in milliseconds.
std::vector<std::uint64_t> dues(ReplayTimes& times, const std::vector<std::uint64_t>& stamps_ms) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t ms : stamps_ms) all.push_back(times.due(ms * 1'000'000) / 1'000'000);
  return all;
}

TEST(ReplayTimes, BeginWithTheFirstFrame) {
  ReplayTimes times;
  EXPECT_THAT(dues(times, {5000, 5500, 5500, 9000}), ElementsAre(0, 500, 500, 4000));
  EXPECT_EQ(times.set_back(), 0U);
}

TEST(ReplayTimes, ALittleOutOfOrderShiftsNothing) {
  ReplayTimes times;
  EXPECT_THAT(dues(times, {5000, 5010, 5004, 5012, 4020, 5020}),
              ElementsAre(0, 10, 10, 12, 12, 20));
  EXPECT_EQ(times.set_back(), 0U);
}

TEST(ReplayTimes, AClockThatIsSetBackGoesOnFromThere) {
  ReplayTimes times;
  EXPECT_THAT(dues(times, {5'000'000, 5'000'500, 1'400'000, 1'400'500, 1'401'000}),
              ElementsAre(0, 500, 500, 1000, 1500));
  EXPECT_EQ(times.set_back(), 1U);
  EXPECT_EQ(times.furthest_back_ns(), 3'600'500 * std::uint64_t{1'000'000});
}

TEST(ReplayTimes, AnOddFirstStampIsNoReasonToSendAllAtOnce) {
  ReplayTimes times;
  EXPECT_THAT(dues(times, {1'700'000'000'000, 1'600'000'000'000, 1'600'000'000'500}),
              ElementsAre(0, 0, 500));
}

TEST(ReplayTimes, AnOddStampInBetweenShiftsNothing) {
  ReplayTimes times;
  EXPECT_THAT(dues(times, {1'000'000, 10'000, 1'000'700, 1'000'800}), ElementsAre(0, 0, 700, 800));
}

/// A clock that has gone on is the right one, also where it reaches its old time again.
TEST(ReplayTimes, AClockThatComesToItsOldTimeAgainIsNotSetRight) {
  ReplayTimes times;
  EXPECT_THAT(dues(times, {10'000, 0, 500, 9'500, 10'500}), ElementsAre(0, 0, 500, 9'500, 10'500));
}

TEST(ReplayTimes, AFrameWithoutAStampGoesWithTheOneBefore) {
  ReplayTimes times;
  EXPECT_EQ(times.due(), 0U);
  EXPECT_THAT(dues(times, {5'000, 5'500}), ElementsAre(0, 500));
  EXPECT_EQ(times.due(), 500'000'000U);
}

TEST(ReplayTimes, AGapCanBeShortened) {
  ReplayTimes times(2'000'000'000);
  EXPECT_THAT(dues(times, {1000, 1500, 5'000'000, 1500, 2000, 4000, 6001}),
              ElementsAre(0, 500, 2500, 2500, 3000, 5000, 7000));
  EXPECT_EQ(times.shortened(), 2U);
}

}  // namespace
}  // namespace testbab
