#include "message_sizes.hpp"

#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace testbab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::vector<std::uint32_t> first(const MessageSizes& sizes, std::uint64_t n) {
  std::vector<std::uint32_t> all;
  for (std::uint64_t i = 0; i < n; ++i) all.push_back(sizes.of(i));
  return all;
}

std::map<std::uint32_t, unsigned> counted(const MessageSizes& sizes, std::uint64_t n) {
  std::map<std::uint32_t, unsigned> counts;
  for (std::uint32_t size : first(sizes, n)) ++counts[size];
  return counts;
}

std::string why(MessageSizes (*parse)(std::string_view), std::string_view text) {
  try {
    (void)parse(text);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

TEST(MessageSizes, FixedIsOneSize) {
  const MessageSizes sizes = MessageSizes::parse("60");
  EXPECT_THAT(counted(sizes, 1000), ElementsAre(Pair(60, 1000)));
  EXPECT_EQ(sizes.min(), 60U);
  EXPECT_EQ(sizes.max(), 60U);
}

TEST(MessageSizes, RangeHasEverySizeAboutAsOften) {
  const MessageSizes sizes = MessageSizes::parse("10-19");
  const auto counts = counted(sizes, 100'000);
  ASSERT_EQ(counts.size(), 10U);
  EXPECT_EQ(counts.begin()->first, 10U);
  EXPECT_EQ(counts.rbegin()->first, 19U);
  for (const auto& [size, n] : counts) EXPECT_NEAR(n, 10'000, 500) << size;
}

TEST(MessageSizes, WholeRangeThereIs) {
  const MessageSizes sizes = MessageSizes::parse("0-65535");
  for (std::uint64_t i = 0; i < 100'000; ++i) ASSERT_LE(sizes.of(i), 65'535U);
}

TEST(MessageSizes, ListIsTakenInTurn) {
  EXPECT_THAT(first(MessageSizes::parse("30,10,20"), 7), ElementsAre(30, 10, 20, 30, 10, 20, 30));
}

TEST(MessageSizes, ListMayRepeatASize) {
  EXPECT_THAT(first(MessageSizes::parse("8,8,100"), 6), ElementsAre(8, 8, 100, 8, 8, 100));
}

TEST(MessageSizes, MixIsExactInEveryRound) {
  const MessageSizes sizes = MessageSizes::parse_mix("64:7,594:4,1518:1");
  EXPECT_EQ(sizes.min(), 64U);
  EXPECT_EQ(sizes.max(), 1518U);
  for (std::uint64_t rounds : {1, 2, 1000})
    EXPECT_THAT(counted(sizes, 12 * rounds),
                ElementsAre(Pair(64, 7 * rounds), Pair(594, 4 * rounds), Pair(1518, rounds)));
}

TEST(MessageSizes, MixIsSpreadOverItsRound) {
  // No size comes more often in a row than its weight says.
  EXPECT_THAT(first(MessageSizes::parse_mix("1:2,2:2"), 4), ElementsAre(1, 2, 1, 2));
  EXPECT_THAT(first(MessageSizes::parse_mix("1:3,2:1"), 4), ElementsAre(1, 1, 2, 1));
}

TEST(MessageSizes, WeightsAreReducedToTheShortestRound) {
  EXPECT_THAT(first(MessageSizes::parse_mix("5:60000,6:60000"), 4), ElementsAre(5, 6, 5, 6));
}

TEST(MessageSizes, SameNumberHasTheSameSizeInACopy) {
  const MessageSizes sizes = MessageSizes::parse_mix("1:3,2:5,3:7");
  const MessageSizes copy = sizes;
  EXPECT_EQ(first(sizes, 100), first(copy, 100));
}

TEST(MessageSizes, SaysWhatIsWrong) {
  EXPECT_THAT(why(MessageSizes::parse, "40-20"), HasSubstr("40 is larger than 20"));
  EXPECT_THAT(why(MessageSizes::parse, "x"), HasSubstr("\"x\" is not a whole number"));
  EXPECT_THAT(why(MessageSizes::parse, "1,,2"), HasSubstr("\"\" is not a whole number"));
  EXPECT_THAT(why(MessageSizes::parse, "65536"), HasSubstr("0 to 65535"));
  EXPECT_THAT(why(MessageSizes::parse_mix, "64"), HasSubstr("SIZE:WEIGHT"));
  EXPECT_THAT(why(MessageSizes::parse_mix, "64:0"), HasSubstr("1 to 65535"));
  EXPECT_THAT(why(MessageSizes::parse_mix, "1:65535,2:65535,3:1"), HasSubstr("131071"));
  std::string many = "1";
  for (int i = 0; i < 64; ++i) many += ",1";
  EXPECT_THAT(why(MessageSizes::parse, many), HasSubstr("1 to 64 sizes, not 65"));
}

}  // namespace
}  // namespace testbab
