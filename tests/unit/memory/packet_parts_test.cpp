#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <bab/memory/packet.hpp>

#include "full_pool.hpp"

namespace bab {
namespace {

using test::FullPool;

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

/// A Packet of "0123456789" in a buffer of its own.
Packet digits(BufferPool& pool) {
  rte_mbuf* m = pool.try_acquire();
  auto* at = rte_pktmbuf_mtod(m, std::uint8_t*);
  std::memcpy(at, "0123456789", 10);
  return PacketSource(m, 1).packet(at, 10);
}

std::string_view text(const Packet& p) {
  return {reinterpret_cast<const char*>(p.data()), p.size()};
}

TEST(Packet, AdvancesAndTrimsWithinItsBytesOnly) {
  FullPool pool(1);
  Packet p = digits(pool);
  EXPECT_FALSE(p.advance(11));
  EXPECT_FALSE(p.advance(kHuge));
  EXPECT_FALSE(p.trim(kHuge));
  EXPECT_TRUE(p.advance(3));
  EXPECT_TRUE(p.trim(2));
  EXPECT_EQ(text(p), "34567");
  EXPECT_FALSE(p.trim(6));
  EXPECT_FALSE(p.advance((std::uint64_t{1} << 32) + 1));
  EXPECT_TRUE(p.advance(5));
  EXPECT_EQ(p.size(), 0U);
  EXPECT_TRUE(p) << "a Packet of no bytes is one";
}

TEST(Packet, GivesSubpacketsWithinItsBytesOnly) {
  FullPool pool(1);
  const Packet p = digits(pool);
  EXPECT_EQ(text(p.subpacket(2, 3)), "234");
  EXPECT_EQ(text(p.subpacket(0, 10)), "0123456789");
  EXPECT_TRUE(p.subpacket(10, 0));
  EXPECT_FALSE(p.subpacket(11, 0));
  EXPECT_FALSE(p.subpacket(5, 6));
  EXPECT_FALSE(p.subpacket(1, kHuge));
  EXPECT_FALSE(p.subpacket(kHuge, 1));
  EXPECT_FALSE(Packet().subpacket(0, 0));
}

TEST(Packet, SplitsAtOffsetsAndAtNone) {
  FullPool pool(1);
  const Packet p = digits(pool);
  std::array<Packet, 4> four;
  EXPECT_TRUE(p.split(std::array<std::uint64_t, 3>{2, 2, 10}, four));
  EXPECT_EQ(text(four[0]), "01");
  EXPECT_EQ(four[1].size(), 0U);
  EXPECT_EQ(text(four[2]), "23456789");
  EXPECT_EQ(four[3].size(), 0U);
  std::array<Packet, 1> whole;
  EXPECT_TRUE(p.split({}, whole));
  EXPECT_EQ(text(whole[0]), "0123456789");
}

TEST(Packet, RefusesToSplitAtOffsetsThatDontFit) {
  FullPool pool(1);
  const Packet p = digits(pool);
  std::array<Packet, 2> two;
  EXPECT_FALSE(p.split(std::array<std::uint64_t, 1>{11}, two));
  EXPECT_FALSE(p.split(std::array<std::uint64_t, 1>{kHuge}, two));
  EXPECT_FALSE(p.split(std::array<std::uint64_t, 2>{1, 2}, two)) << "too little room";
  std::array<Packet, 3> three;
  EXPECT_FALSE(p.split(std::array<std::uint64_t, 2>{5, 4}, three)) << "descending";
  for (const Packet& part : two) EXPECT_FALSE(part);
}

TEST(Packet, CopiedOutUnpinsItsBuffer) {
  FullPool big(1), small(1);
  Packet copy;
  {
    const Packet p = digits(big);
    copy = p.copy_out(small);
    ASSERT_TRUE(copy);
    EXPECT_FALSE(p.copy_out(small)) << "the pool is empty";
  }
  EXPECT_EQ(big.in_use(), 0U);
  EXPECT_EQ(text(copy), "0123456789");
}

TEST(Packet, IsNotCopiedIntoBuffersThatAreTooSmall) {
  FullPool pool(1);
  BufferPoolOptions o = test::small_pool(1);
  o.data_room = RTE_PKTMBUF_HEADROOM + 9;
  FullPool tiny(o);
  EXPECT_FALSE(digits(pool).copy_out(tiny));
}

TEST(Packet, SentInBulkTakesOneShareEach) {
  FullPool pool(2);
  std::vector<Packet> packets;
  Packet a = digits(pool), b = digits(pool);
  for (int i = 0; i < 3; ++i) packets.push_back(a.clone());
  for (int i = 0; i < 2; ++i) packets.push_back(b.clone());
  packets.push_back(std::move(b));
  std::vector<SendPacket> sent(packets.size());
  EXPECT_EQ(Packet::send(packets, sent), packets.size());
  for (const Packet& p : packets) EXPECT_FALSE(p);
  std::vector<Packet> back(sent.size());
  EXPECT_TRUE(SendPacket::receive(sent, back));
  for (const Packet& p : back) EXPECT_EQ(text(p), "0123456789");
  EXPECT_EQ(text(a), "0123456789");
}

TEST(Packet, BulkMovesWhatOutTakes) {
  FullPool pool(1);
  std::vector<Packet> packets;
  packets.push_back(digits(pool));
  packets.push_back(packets[0].clone());
  std::vector<SendPacket> one(1);
  EXPECT_EQ(Packet::send(packets, one), 1U);
  EXPECT_FALSE(packets[0]);
  EXPECT_TRUE(packets[1]);
}

}  // namespace
}  // namespace bab
