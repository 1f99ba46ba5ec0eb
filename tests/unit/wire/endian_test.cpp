#include <bab/wire/endian.hpp>

#include <gtest/gtest.h>

namespace bab::wire {
namespace {

constexpr std::uint8_t kBytes[] = {0xee, 0x81, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};

TEST(Endian, LoadsTheMostSignificantByteFirstAtAnyAddress) {
  EXPECT_EQ(load_be<std::uint8_t>(kBytes + 1), 0x81);
  EXPECT_EQ(load_be<std::uint16_t>(kBytes + 1), 0x8102);
  EXPECT_EQ(load_be<std::uint32_t>(kBytes + 1), 0x81020304);
  EXPECT_EQ(load_be<std::uint64_t>(kBytes + 1), 0x8102030405060708);
}

TEST(Endian, StoresWhatItLoadsAndNothingBeside) {
  std::uint8_t to[12];
  const auto check = [&]<class T>(T value) {
    std::memset(to, 0xcc, sizeof to);
    store_be(to + 1, value);
    EXPECT_EQ(load_be<T>(to + 1), value);
    EXPECT_EQ(to[0], 0xcc);
    EXPECT_EQ(to[1], 0x81);
    EXPECT_EQ(to[1 + sizeof(T)], 0xcc);
  };
  check(std::uint8_t{0x81});
  check(std::uint16_t{0x8102});
  check(std::uint32_t{0x81020304});
  check(std::uint64_t{0x8102030405060708});
}

}  // namespace
}  // namespace bab::wire
