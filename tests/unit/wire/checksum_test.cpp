#include <bab/wire/checksum.hpp>

#include <random>

#include <gtest/gtest.h>

#include <bab/wire/ipv4_udp.hpp>

#include "made_frame.hpp"
#include "seed.hpp"

namespace bab::wire {
namespace {

using test::Bytes;
using test::slow_checksum;

/// The value as it would stand in a header, read as big-endian.
std::uint16_t on_the_wire(std::uint16_t memory_order) {
  std::uint8_t bytes[2];
  std::memcpy(bytes, &memory_order, 2);
  return load_be<std::uint16_t>(bytes);
}

std::uint16_t checksum(const Bytes& data) {
  return on_the_wire(finish(sum_bytes(data.data(), data.size())));
}

TEST(Checksum, OfRfc1071Example) {
  // §3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2.
  const Bytes data{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(on_the_wire(fold(sum_bytes(data.data(), data.size()))), 0xddf2);
  EXPECT_EQ(checksum(data), 0x220d);
}

TEST(Checksum, OfAWellKnownIpv4Header) {
  Bytes header{0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
               0x00, 0x00, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
  EXPECT_EQ(checksum(header), 0xb861);
  EXPECT_FALSE(sums_up(sum_bytes(header.data(), header.size())));
  header[10] = 0xb8;
  header[11] = 0x61;
  EXPECT_TRUE(sums_up(sum_bytes(header.data(), header.size())));
}

TEST(Checksum, OfNothing) {
  EXPECT_EQ(sum_bytes(nullptr, 0), 0U);
  EXPECT_EQ(finish(0), 0xffff);
  EXPECT_FALSE(sums_up(0)) << "data with a right checksum is never all zero";
}

TEST(Checksum, OfAllZerosAndAllOnesOfAnyLength) {
  for (std::size_t len = 1; len < 100; ++len) {
    EXPECT_EQ(checksum(Bytes(len, 0)), 0xffff) << len;
    EXPECT_EQ(checksum(Bytes(len, 0xff)), slow_checksum(Bytes(len, 0xff))) << len;
  }
}

TEST(Checksum, OfOddLengthsPadsWithZero) {
  for (std::size_t len = 1; len < 12; ++len) {
    Bytes data(len, 0);
    data.back() = 0xab;
    EXPECT_EQ(checksum(data), len % 2 == 1 ? 0x54ff : 0xff54) << len;
  }
}

TEST(Checksum, FoldsAnySum) {
  EXPECT_EQ(fold(0), 0);
  EXPECT_EQ(fold(0xffff), 0xffff);
  EXPECT_EQ(fold(0x10000), 1);
  EXPECT_EQ(fold(0xffffffff), 0xffff);
  EXPECT_EQ(fold(0x1'0000'0000), 1);
  EXPECT_EQ(fold(~std::uint64_t{0}), 0xffff);
  std::mt19937_64 source(1);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t sum = source();
    // The folded sum is the remainder of a division by 2^16 - 1. A remainder of 0 is written as
    // 0xffff, because the sum isn't 0.
    EXPECT_EQ(fold(sum) % 0xffff, sum % 0xffff);
    EXPECT_NE(fold(sum), 0);
  }
}

TEST(Checksum, OfTheLargestPacketOfAllOnesKeepsEveryCarry) {
  EXPECT_EQ(checksum(Bytes(65'535, 0xff)), slow_checksum(Bytes(65'535, 0xff)));
  EXPECT_EQ(checksum(Bytes(65'534, 0xff)), 0);
}

TEST(Checksum, AddsUpPartsOfEvenLength) {
  const Bytes data{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  for (std::size_t cut = 0; cut <= 10; cut += 2)
    EXPECT_EQ(fold(sum_bytes(data.data(), cut) + sum_bytes(data.data() + cut, data.size() - cut)),
              fold(sum_bytes(data.data(), data.size())))
        << cut;
}

TEST(Checksum, AgreesWithASlowOneAtAnyAddressAndLength) {
  std::mt19937_64 source(test::printed_seed());
  Bytes memory(2'100);
  for (std::uint8_t& b : memory) b = static_cast<std::uint8_t>(source());
  for (int i = 0; i < 5'000; ++i) {
    const std::size_t begin = source() % 64;
    const std::size_t len = i < 300 ? static_cast<std::size_t>(i) : source() % 2'000;
    const std::span part(memory.data() + begin, len);
    ASSERT_EQ(on_the_wire(finish(sum_bytes(part.data(), len))), slow_checksum(part))
        << len << " bytes at " << begin;
  }
}

TEST(UdpChecksum, AgreesWithASlowOne) {
  std::mt19937_64 source(test::printed_seed());
  for (int i = 0; i < 2'000; ++i) {
    Bytes ip(20), udp(8 + source() % 300);
    for (std::uint8_t& b : ip) b = static_cast<std::uint8_t>(source());
    for (std::uint8_t& b : udp) b = static_cast<std::uint8_t>(source());
    udp[6] = udp[7] = 0;
    const std::uint16_t slow = test::slow_udp_checksum(std::span(ip).subspan(12, 8), udp);
    const auto len = static_cast<std::uint16_t>(udp.size());
    ASSERT_EQ(on_the_wire(udp_checksum(ip.data(), udp.data(), len)), slow == 0 ? 0xffff : slow);
  }
}

TEST(UdpChecksum, ComputedZeroIsAllOnes) {
  Bytes ip(20, 0), udp(10, 0);
  // Protocol 17 and twice the length 10 add up to 37. The payload fills the sum up to 0xffff.
  udp[5] = 10;
  udp[8] = (0xffff - 37) >> 8;
  udp[9] = (0xffff - 37) & 0xff;
  // The length is counted twice: it stands in `udp` and in the pseudo header.
  EXPECT_EQ(udp_checksum(ip.data(), udp.data(), 10), 0xffff);
  EXPECT_TRUE(sums_up(0xffff + pseudo_header_sum(ip.data(), 10) + sum_bytes(udp.data(), 10)));
}

}  // namespace
}  // namespace bab::wire
