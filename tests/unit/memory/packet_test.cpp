#include <bab/memory/packet.hpp>

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "full_pool.hpp"
#include "packets.hpp"

namespace bab {
namespace {

using test::buffer_with;
using test::FullPool;
using test::packet_with;
using test::text_of;

TEST(Packet, ReadsTheMessageAndReturnsTheBufferWhenItGoes) {
  FullPool pool(2);
  {
    const Packet packet = packet_with(pool, "hello");
    ASSERT_TRUE(packet);
    EXPECT_EQ(text_of(packet), "hello");
    EXPECT_EQ(packet.bytes().size(), 5U);
    EXPECT_EQ(packet.bytes().data(), packet.data());
    EXPECT_EQ(pool.in_use(), 1U);
  }
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(Packet, AMessageOfNoBytesIsAPacket) {
  FullPool pool(2);
  const Packet packet = packet_with(pool, "");
  EXPECT_TRUE(packet);
  EXPECT_EQ(packet.size(), 0U);
  EXPECT_TRUE(packet.clone());
}

TEST(Packet, AnEmptyOneDoesNothing) {
  const Packet none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.size(), 0U);
  EXPECT_FALSE(none.clone());
  EXPECT_FALSE(Packet().send());
}

TEST(Packet, ClonesShareTheBytesAndTheLastOneReturnsTheBuffer) {
  FullPool pool(2);
  Packet first = packet_with(pool, "hello");
  const std::uint8_t* at = first.data();
  std::vector<Packet> clones;
  for (int i = 0; i < 100; ++i) clones.push_back(first.clone());
  first = Packet();
  for (const Packet& clone : clones) {
    EXPECT_EQ(clone.data(), at);
    EXPECT_EQ(text_of(clone), "hello");
  }
  clones.resize(1);
  EXPECT_EQ(pool.in_use(), 1U);
  clones.clear();
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(Packet, CloneAndDropLeaveTheSharesAlone) {
  FullPool pool(2);
  rte_mbuf* m = buffer_with(pool, "hello");
  PacketSource source(m, 1);
  {
    const Packet a = source.packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 5);
    const Packet b = a.clone();
    const Packet c = b.clone();
    EXPECT_EQ(Shares<>::count(m), 1U);
    EXPECT_EQ(pool.account(0, buffer_meta(m).id).handles, 4U);
  }
  EXPECT_EQ(Shares<>::count(m), 1U);
  EXPECT_EQ(pool.account(0, buffer_meta(m).id).handles, 1U);
}

TEST(Packet, MovesLeaveNothingBehind) {
  FullPool pool(2);
  Packet a = packet_with(pool, "one");
  Packet b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): that is the point
  EXPECT_FALSE(a.clone());
  EXPECT_FALSE(a.send());
  EXPECT_EQ(text_of(b), "one");
  a = packet_with(pool, "two");
  EXPECT_EQ(pool.in_use(), 2U);
  b = std::move(a);
  EXPECT_EQ(text_of(b), "two");
  EXPECT_EQ(pool.in_use(), 1U) << "what was assigned over is dropped at once";
}

TEST(Packet, MovedOntoItselfItStays) {
  FullPool pool(2);
  Packet a = packet_with(pool, "one");
  Packet& same = a;
  a = std::move(same);
  ASSERT_TRUE(a);
  EXPECT_EQ(text_of(a), "one");
}

TEST(Packet, SwapsWithAnotherBuffers) {
  FullPool pool(2);
  Packet a = packet_with(pool, "one");
  Packet b = packet_with(pool, "two");
  a.swap(b);
  EXPECT_EQ(text_of(a), "two");
  EXPECT_EQ(text_of(b), "one");
}

TEST(Packet, LastHandleGivesUpEveryShareOfTheLcore) {
  FullPool pool(2);
  rte_mbuf* m = buffer_with(pool, "hello");
  Shares<>::take(m, 4);
  {
    const Packet packet = PacketSource(m, 4).packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 5);
    EXPECT_EQ(Shares<>::count(m), 5U);
  }
  EXPECT_EQ(Shares<>::count(m), 1U) << "the frame's own stays";
  BufferPool::release(m);
}

TEST(PacketSource, PacketsOutliveIt) {
  FullPool pool(2);
  rte_mbuf* m = buffer_with(pool, "onetwo");
  Packet one;
  Packet two;
  {
    PacketSource source(m, 1);
    one = source.packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 3);
    two = source.packet(rte_pktmbuf_mtod(m, const std::uint8_t*) + 3, 3);
    source.reset();
    EXPECT_FALSE(source);
    source.reset();
  }
  EXPECT_EQ(text_of(one), "one");
  one = Packet();
  EXPECT_EQ(text_of(two), "two");
}

TEST(PacketSource, HoldsTheBufferWithoutAnyPacket) {
  FullPool pool(2);
  rte_mbuf* m = buffer_with(pool, "hello");
  PacketSource source(m, 1);
  (void)source.packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 5);
  EXPECT_EQ(pool.in_use(), 1U);
  PacketSource moved = std::move(source);
  EXPECT_FALSE(source);  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(moved);
}

TEST(PacketSource, DetachedAndAttachedAgainItIsTheSame) {
  FullPool pool(2);
  rte_mbuf* m = buffer_with(pool, "hello");
  PacketSource(m, 1).detach();
  EXPECT_EQ(pool.in_use(), 1U);
  Account& account = pool.account(0, buffer_meta(m).id);
  const Packet packet = PacketSource::more(account, rte_pktmbuf_mtod(m, const std::uint8_t*), 5);
  PacketSource::attach(account).reset();
  EXPECT_EQ(text_of(packet), "hello");
}

}  // namespace
}  // namespace bab
