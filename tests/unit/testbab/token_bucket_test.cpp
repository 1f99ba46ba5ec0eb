#include "token_bucket.hpp"

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "seed.hpp"

namespace testbab {
namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
constexpr double kClockHz = 2'000'000'003;  // of the virtual clock; deliberately not a round number
constexpr auto kSecond = static_cast<std::uint64_t>(kClockHz);

/// Takes all tokens that are due at `now`.
std::uint64_t go(TokenBucket& bucket, std::uint64_t now) {
  const std::uint64_t n = bucket.due(now);
  bucket.take(n);
  return n;
}

TEST(TokenBucket, WithoutALimitEverythingIsDue) {
  TokenBucket bucket;
  EXPECT_FALSE(bucket.limited());
  EXPECT_EQ(bucket.due(5), kNever);
  bucket.take(1'000'000);
  EXPECT_EQ(bucket.due(5), kNever);
}

TEST(TokenBucket, FirstIsDueAtOnceAndTheNextAnIntervalLater) {
  TokenBucket bucket(100, 10'000);
  EXPECT_EQ(go(bucket, 7'000), 1U);
  EXPECT_EQ(bucket.next(), 7'100U);
  EXPECT_EQ(go(bucket, 7'099), 0U);
  EXPECT_EQ(go(bucket, 7'100), 1U);
  EXPECT_EQ(go(bucket, 7'350), 2U);
}

TEST(TokenBucket, WhatIsNotTakenStaysDue) {
  TokenBucket bucket(100, 10'000);
  EXPECT_EQ(bucket.due(0), 1U);
  EXPECT_EQ(bucket.due(250), 3U);
  bucket.take(1);
  EXPECT_EQ(bucket.due(250), 2U);
  EXPECT_EQ(bucket.next(), 100U);
}

TEST(TokenBucket, KeepsTheRateWhateverTheTurnsAre) {
  for (const double rate : {1.0, 3.0, 1e3, 1e6, 1e7, 333'333'333.0, 1e9}) {
    for (const std::uint64_t turn : {101U, 5'003U, 2'000'003U}) {
      // Ten seconds of the shortest turns would take too long to simulate.
      const std::uint64_t end = 10 * kSecond / (turn < 5'000 ? 1'000 : turn < 1'000'000 ? 20 : 1);
      TokenBucket bucket(kClockHz / rate, kSecond);
      std::uint64_t sent = 0;
      for (std::uint64_t now = 0; now <= end; now += turn) sent += go(bucket, now);
      const double expected = 1 + static_cast<double>(end) / kClockHz * rate;
      EXPECT_NEAR(static_cast<double>(sent), expected,
                  2 + expected * 1e-5 + static_cast<double>(turn) / kClockHz * rate)
          << rate << " every " << turn;
    }
  }
}

TEST(TokenBucket, NeverAheadAndNeverMoreThanAMessageBehind) {
  std::mt19937_64 random(bab::test::printed_seed());
  TokenBucket bucket(kClockHz / 1e6, kSecond);
  std::uint64_t now = 12'345, sent = 0;
  const std::uint64_t start = now;
  for (int i = 0; i < 200'000; ++i) {
    sent += go(bucket, now);
    const double due = 1 + static_cast<double>(now - start) / kClockHz * 1e6;
    ASSERT_LE(static_cast<double>(sent), due + 1e-3 * (1 + due / 1e3));
    ASSERT_GE(static_cast<double>(sent), due - 1 - 1e-3 * (1 + due / 1e3));
    now += random() % 20'000;
  }
}

TEST(TokenBucket, CatchesUpAsFarAsItMay) {
  TokenBucket bucket(100, 5'000);
  EXPECT_EQ(go(bucket, 0), 1U);
  EXPECT_EQ(go(bucket, 5'000), 50U);  // exactly at the bound: all tokens are given
  EXPECT_EQ(bucket.given_up(), 0U);
  EXPECT_EQ(go(bucket, 1'005'000), 51U);  // 10,000 were due; the others are given up
  EXPECT_EQ(bucket.given_up(), 9'949U);
  EXPECT_EQ(go(bucket, 1'005'100), 1U);  // the due times are still multiples of 100
}

TEST(TokenBucket, GivesUpNothingWhereTheIntervalIsLongerThanTheBound) {
  TokenBucket bucket(1'000, 10);
  EXPECT_EQ(go(bucket, 0), 1U);
  EXPECT_EQ(go(bucket, 1'900), 1U);
  EXPECT_EQ(go(bucket, 2'000), 1U);
  EXPECT_EQ(bucket.given_up(), 0U);
}

TEST(TokenBucket, AfterAnHoursStandstillItGoesOn) {
  TokenBucket bucket(kClockHz / 1e7, kSecond / 4);
  EXPECT_EQ(go(bucket, 1), 1U);
  const std::uint64_t later = 3'600 * kSecond;
  EXPECT_NEAR(static_cast<double>(go(bucket, later)), 2.5e6, 2);
  EXPECT_NEAR(static_cast<double>(bucket.given_up()), 3.6e10 - 2.5e6, 1e4);
  EXPECT_NEAR(static_cast<double>(go(bucket, later + kSecond / 10)), 1e6, 2);
}

TEST(TokenBucket, PhasesMakeSendersTakeTurns) {
  std::vector<TokenBucket> senders;
  for (int i = 0; i < 4; ++i) senders.emplace_back(400, 100'000, i / 4.0);
  std::vector<int> order;
  for (std::uint64_t now = 0; now < 800; now += 10)
    for (int i = 0; i < 4; ++i)
      if (go(senders[static_cast<std::size_t>(i)], now) > 0) order.push_back(i);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 0, 1, 2, 3}));
}

}  // namespace
}  // namespace testbab
