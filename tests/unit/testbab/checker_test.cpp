#include "checker.hpp"

#include <cstdint>
#include <initializer_list>

#include <gtest/gtest.h>

#include <bab/wire/moldudp64.hpp>

namespace testbab {
namespace {

class CheckerTest : public testing::Test {
 protected:
  /// A frame of so many messages, of which no payload is looked at.
  void frame(std::uint64_t sequence, std::uint16_t messages = 1) {
    checker_.begin({bab::wire::make_session("FEED"), sequence, messages});
  }
  void frames(std::initializer_list<std::uint64_t> sequences) {
    for (const std::uint64_t sequence : sequences) frame(sequence);
  }
  BusTotals totals() const {
    BusTotals bus;
    checker_.sum_up(bus, false);
    return bus;
  }

  Checker checker_{false};
};

TEST_F(CheckerTest, ADuplicateFillsNoGap) {
  frames({5, 7, 7});
  EXPECT_EQ(totals().missing, 1U);
  EXPECT_EQ(totals().duplicates, 1U);
}

TEST_F(CheckerTest, WhatIsLateFillsItsOwnGap) {
  frames({1, 3, 6, 4, 2, 4});
  EXPECT_EQ(totals().missing, 1U);
  EXPECT_EQ(totals().duplicates, 1U);
  frame(5);
  EXPECT_EQ(totals().missing, 0U);
}

TEST_F(CheckerTest, PartsOfAGapAreFilled) {
  frame(1);
  frame(101);
  frame(40, 10);
  EXPECT_EQ(totals().missing, 89U);
  frame(35, 10);  // 40 … 44 again
  EXPECT_EQ(totals().missing, 84U);
  EXPECT_EQ(totals().duplicates, 5U);
  frame(2, 99);
  EXPECT_EQ(totals().missing, 0U);
}

TEST_F(CheckerTest, GapsBeyondWhatItKeepsStayMissing) {
  constexpr std::uint64_t kGaps = Checker::kMaxGaps + 1;
  for (std::uint64_t i = 0; i <= kGaps; ++i) frame(10 + 2 * i);
  EXPECT_EQ(totals().missing, kGaps);
  frame(11);  // the oldest, which isn't known any more
  EXPECT_EQ(totals().missing, kGaps);
  for (std::uint64_t i = 1; i < kGaps; ++i) frame(11 + 2 * i);
  EXPECT_EQ(totals().missing, 1U);
}

TEST_F(CheckerTest, ACopyOfTheFirstFrameIsNoRestart) {
  frames({1, 2, 3, 4, 1, 5, 6});
  const BusTotals bus = totals();
  EXPECT_EQ(bus.restarts, 0U);
  EXPECT_EQ(bus.duplicates, 1U);
  EXPECT_EQ(bus.missing, 0U);
  EXPECT_EQ(bus.gaps, 0U);
}

TEST_F(CheckerTest, ARestartIsTakenWhenItGoesOn) {
  frames({1, 2, 3, 5, 1, 2, 3, 4});
  const BusTotals bus = totals();
  EXPECT_EQ(bus.restarts, 1U);
  EXPECT_EQ(bus.duplicates, 0U);
  EXPECT_EQ(bus.out_of_order, 0U);
  EXPECT_EQ(bus.missing, 1U) << "4 of the first time doesn't come any more";
}

TEST_F(CheckerTest, HeartbeatsBeforeTheFirstMessageOfARestart) {
  frames({1, 2, 3});
  frame(1, 0);
  frame(1, 0);
  frames({1, 2, 3});
  EXPECT_EQ(totals().restarts, 1U);
  EXPECT_EQ(totals().duplicates, 0U);
}

}  // namespace
}  // namespace testbab
