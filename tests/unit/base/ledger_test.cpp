#include <bab/base/ledger.hpp>

#include <stdexcept>

#include <gtest/gtest.h>

namespace bab {
namespace {

TEST(Ledger, OfNoRowsBalances) { EXPECT_TRUE(Ledger{}.balanced()); }

TEST(Ledger, RowBalancesWhenItsTermsAddUp) {
  Ledger ledger;
  Ledger::Row& row = ledger.row("frames received", 10);
  EXPECT_FALSE(row.balanced());
  row.out = {{"valid", 7}, {"dropped", 2}};
  EXPECT_EQ(row.accounted(), 9U);
  EXPECT_FALSE(row.balanced()) << "one was lost in silence";
  EXPECT_EQ(row.unaccounted(), 1);
  EXPECT_FALSE(ledger.balanced());
  row.out.emplace_back("held", 1);
  EXPECT_TRUE(row.balanced());
  EXPECT_TRUE(ledger.balanced());
}

TEST(Ledger, RowOfNothingBalancesWithoutTerms) {
  Ledger ledger;
  ledger.row("frames", 0);
  EXPECT_TRUE(ledger.balanced());
}

TEST(Ledger, MoreOutThanInIsNoBalance) {
  Ledger ledger;
  ledger.row("frames", 1).out = {{"valid", 2}};
  EXPECT_FALSE(ledger.balanced());
  EXPECT_EQ(ledger.rows()[0].unaccounted(), -1);
}

TEST(Ledger, NeedsEveryRowToBalance) {
  Ledger ledger;
  ledger.row("good", 1).out = {{"a", 1}};
  ledger.row("bad", 2).out = {{"a", 1}};
  ledger.row("good again", 0);
  EXPECT_FALSE(ledger.balanced());
}

TEST(Ledger, KeepsItsRowsInOrder) {
  Ledger ledger;
  ledger.row("first", 1).out = {{"a", 1}};
  ledger.row("second", 2);
  ASSERT_EQ(ledger.rows().size(), 2U);
  EXPECT_EQ(ledger.rows()[0].name, "first");
  EXPECT_EQ(ledger.rows()[0].out.front().first, "a");
  EXPECT_EQ(ledger.rows()[1].in, 2U);
  ledger.at(1).in = 3;
  EXPECT_EQ(ledger.rows()[1].in, 3U);
  EXPECT_THROW((void)ledger.at(2), std::out_of_range);
}

}  // namespace
}  // namespace bab
