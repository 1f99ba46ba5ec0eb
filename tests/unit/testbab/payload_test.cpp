#include "payload.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace testbab {
namespace {

constexpr std::uint64_t kSequence = 0x0102'0304'0506'0708;

std::vector<std::uint8_t> filled(const Payload& payload, std::uint32_t len) {
  std::vector<std::uint8_t> bytes(len + 1, 0xee);
  payload.fill(bytes.data(), len, kSequence);
  EXPECT_EQ(bytes.back(), 0xee) << "wrote past its end";
  bytes.pop_back();
  return bytes;
}

TEST(Payload, EveryBitOfEveryLengthIsChecked) {
  const Payload payload;
  for (std::uint32_t len = 1; len <= 140; ++len) {
    std::vector<std::uint8_t> bytes = filled(payload, len);
    ASSERT_TRUE(payload.matches(bytes, kSequence)) << len;
    for (std::size_t i = 0; i < len; ++i) {
      bytes[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
      ASSERT_FALSE(payload.matches(bytes, kSequence)) << "byte " << i << " of " << len;
      bytes[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
    }
    ASSERT_FALSE(payload.matches(bytes, kSequence + 1)) << len;
  }
}

TEST(Payload, OfTheNumberAloneLeavesTheRestAsItWas) {
  const Payload payload(PayloadPart::kNumber);
  for (const std::uint32_t len : {1U, 7U, 8U, 9U, 64U, 9000U}) {
    std::vector<std::uint8_t> bytes(len, 0xee);
    payload.fill(bytes.data(), len, kSequence);
    for (std::uint32_t i = 8; i < len; ++i) ASSERT_EQ(bytes[i], 0xee) << len << ": " << i;
    EXPECT_TRUE(payload.matches(bytes, kSequence)) << len;
    EXPECT_FALSE(payload.matches(bytes, kSequence + 1)) << len;
    if (len > 8) {
      bytes.back() ^= 1;
      EXPECT_TRUE(payload.matches(bytes, kSequence)) << len;
      EXPECT_FALSE(Payload().matches(bytes, kSequence)) << len;
    }
  }
}

TEST(Payload, OfNoBytesMatches) { EXPECT_TRUE(Payload().matches({}, kSequence)); }

TEST(Payload, OfTheLongestMessageIsCheckedToItsEnd) {
  const Payload payload;
  std::vector<std::uint8_t> bytes = filled(payload, 65535);
  EXPECT_TRUE(payload.matches(bytes, kSequence));
  bytes.back() ^= 1;
  EXPECT_FALSE(payload.matches(bytes, kSequence));
}

}  // namespace
}  // namespace testbab
