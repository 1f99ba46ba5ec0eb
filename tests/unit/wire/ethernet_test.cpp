#include <bab/wire/ethernet.hpp>

#include <gtest/gtest.h>

namespace bab::wire {
namespace {

TEST(Ethernet, MulticastMacHasTheLow23BitsOfTheAddress) {
  // From RFC 1112 §6.4. The last address is that of a NASDAQ feed: 233.54.12.111.
  EXPECT_EQ(multicast_mac(0xe0000001), (MacAddress{0x01, 0x00, 0x5e, 0x00, 0x00, 0x01}));
  EXPECT_EQ(multicast_mac(0xefffffff), (MacAddress{0x01, 0x00, 0x5e, 0x7f, 0xff, 0xff}));
  EXPECT_EQ(multicast_mac(0xe0800000), (MacAddress{0x01, 0x00, 0x5e, 0x00, 0x00, 0x00}));
  EXPECT_EQ(multicast_mac(0xe9360c6f), (MacAddress{0x01, 0x00, 0x5e, 0x36, 0x0c, 0x6f}));
}

TEST(Ethernet, MulticastIs224To239) {
  EXPECT_FALSE(is_multicast(0));
  EXPECT_FALSE(is_multicast(0xdfffffff));
  EXPECT_TRUE(is_multicast(0xe0000000));
  EXPECT_TRUE(is_multicast(0xefffffff));
  EXPECT_FALSE(is_multicast(0xf0000000));
  EXPECT_FALSE(is_multicast(0xffffffff));
}

}  // namespace
}  // namespace bab::wire
