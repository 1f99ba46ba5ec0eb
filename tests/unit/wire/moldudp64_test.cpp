#include <bab/wire/moldudp64.hpp>

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace bab::wire {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::string text(const Session& s) { return {s.begin(), s.end()}; }

TEST(Moldudp64, SessionIsPaddedRightWithSpaces) {
  EXPECT_EQ(text(make_session("")), "          ");
  EXPECT_EQ(text(make_session("DAY")), "DAY       ");
  EXPECT_EQ(text(make_session("123456789")), "123456789 ");
}

TEST(Moldudp64, SessionOfTenCharactersFillsIt) {
  EXPECT_EQ(text(make_session("0123456789")), "0123456789");
}

TEST(Moldudp64, LongerSessionIsCut) { EXPECT_EQ(text(make_session("0123456789A")), "0123456789"); }

TEST(Moldudp64, StoresEachFieldBigEndianAtItsOffset) {
  Bytes at(kMoldBytes + 1, 0xcc);
  store_mold(at.data(), {make_session("S"), 0x0102030405060708, 0x090a});
  EXPECT_EQ(at, (Bytes{'S', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', 1,
                       2,   3,   4,   5,   6,   7,   8,   9,   10,  0xcc}));
}

TEST(Moldudp64, LoadsWhatItStores) {
  Session odd{0, 1, 0xff, ' ', 0, 0x80, '\n', 7, 8, 9};
  Bytes at(kMoldBytes);
  store_mold(at.data(), {odd, ~std::uint64_t{0}, 0xfffe});
  const MoldHeader h = load_mold(at.data());
  EXPECT_EQ(h.session, odd);
  EXPECT_EQ(h.sequence, ~std::uint64_t{0});
  EXPECT_EQ(h.count, 0xfffe);
}

TEST(Moldudp64, HeartbeatAndEndOfSessionHaveNoMessages) {
  EXPECT_EQ((MoldHeader{{}, 1, kMoldHeartbeat}.messages()), 0U);
  EXPECT_EQ((MoldHeader{{}, 1, kMoldEndOfSession}.messages()), 0U);
  EXPECT_EQ((MoldHeader{{}, 1, 1}.messages()), 1U);
  EXPECT_EQ((MoldHeader{{}, 1, kMoldMaxCount}.messages()), 65'534U);
}

TEST(Moldudp64, BlocksFitOnlyWhenTheyEndAtTheEnd) {
  const Bytes two{0, 1, 'a', 0, 2, 'b', 'c'};
  EXPECT_TRUE(blocks_fit(two, 2));
  EXPECT_FALSE(blocks_fit(two, 0));
  EXPECT_FALSE(blocks_fit(two, 1));
  EXPECT_FALSE(blocks_fit(two, 3));
  for (std::size_t size = 0; size < two.size(); ++size)
    EXPECT_FALSE(blocks_fit(std::span(two).first(size), 2)) << size;
}

TEST(Moldudp64, BlocksOfOneSizeFit) {
  Bytes ten;
  for (int i = 0; i < 10; ++i) ten.insert(ten.end(), {0, 3, 'a', 'b', 'c'});
  EXPECT_TRUE(equal_blocks_fit(ten, 10));
  EXPECT_TRUE(blocks_fit(ten, 10));
  for (const std::uint32_t count : {0U, 1U, 9U, 11U, 50U}) {
    EXPECT_FALSE(equal_blocks_fit(ten, count)) << count;
    EXPECT_FALSE(blocks_fit(ten, count)) << count;
  }
  for (std::size_t size = 0; size < ten.size(); ++size)
    EXPECT_FALSE(blocks_fit(std::span(ten).first(size), 10)) << size;
  // One of the ten lengths differs, at any place. Then the walk over the blocks decides.
  for (std::size_t i = 0; i < 10; ++i) {
    Bytes odd = ten;
    odd[5 * i + 1] = 4;
    EXPECT_FALSE(equal_blocks_fit(odd, 10)) << i;
    EXPECT_FALSE(blocks_fit(odd, 10)) << i;
    odd[5 * i] = 1;
    EXPECT_FALSE(blocks_fit(odd, 10)) << i;
  }
}

TEST(Moldudp64, BlocksWhoseSizesOnlyAddUpToEqualOnesFit) {
  const Bytes three{0, 2, 'a', 'b', 0, 1, 'c', 0, 3, 'd', 'e', 'f'};
  EXPECT_FALSE(equal_blocks_fit(three, 3));
  EXPECT_TRUE(blocks_fit(three, 3));
}

TEST(Moldudp64, NoBlocksFitNothing) {
  EXPECT_TRUE(blocks_fit({}, 0));
  EXPECT_FALSE(blocks_fit({}, 1));
  EXPECT_FALSE(blocks_fit({}, kMoldMaxCount));
}

TEST(Moldudp64, BlocksOfNoBytesFit) {
  const Bytes three(6, 0);
  EXPECT_TRUE(blocks_fit(three, 3));
  EXPECT_FALSE(blocks_fit(three, 2));
  EXPECT_FALSE(blocks_fit(three, 4));
  EXPECT_FALSE(blocks_fit(std::span(three).first(5), 3)) << "half a length";
}

TEST(Moldudp64, TheLongestBlockFits) {
  Bytes one(2 + 65'535, 0x55);
  one[0] = one[1] = 0xff;
  EXPECT_TRUE(blocks_fit(one, 1));
  one.pop_back();
  EXPECT_FALSE(blocks_fit(one, 1));
}

}  // namespace
}  // namespace bab::wire
