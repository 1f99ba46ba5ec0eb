#include <bab/memory/send_packet.hpp>

#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "full_pool.hpp"
#include "lcores.hpp"
#include "packets.hpp"

namespace bab {
namespace {

using test::buffer_with;
using test::FullPool;
using test::on_lcore;
using test::packet_with;
using test::text_of;

struct SendPacketTest : testing::Test {
  FullPool pool{4};
  Account& account(unsigned lcore, rte_mbuf* m) { return pool.account(lcore, buffer_meta(m).id); }
};

TEST_F(SendPacketTest, LastHandlePassesItsShareOn) {
  rte_mbuf* m = buffer_with(pool, "hello");
  Packet packet = PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 5);
  SendPacket sent = packet.send();
  EXPECT_FALSE(packet);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent.size(), 5U);
  EXPECT_EQ(Shares<>::count(m), 1U);
  EXPECT_EQ(account(0, m).handles, 0U);
  EXPECT_EQ(account(0, m).shares, 0U);
  const Packet back = sent.receive();
  EXPECT_FALSE(sent);
  EXPECT_EQ(text_of(back), "hello");
  EXPECT_EQ(Shares<>::count(m), 1U);
}

TEST_F(SendPacketTest, LastHandleGivesUpTheSharesItDoesNotPassOn) {
  rte_mbuf* m = buffer_with(pool, "hello");
  Shares<>::take(m, 2);
  Packet packet = PacketSource(m, 3).packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 5);
  const SendPacket sent = packet.send();
  EXPECT_EQ(Shares<>::count(m), 1U);
  EXPECT_EQ(account(0, m).shares, 0U);
}

TEST_F(SendPacketTest, AnyOtherHandleTakesOneMoreShare) {
  rte_mbuf* m = buffer_with(pool, "hello");
  Packet packet = PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 5);
  Packet other = packet.clone();
  {
    const SendPacket sent = packet.send();
    EXPECT_EQ(Shares<>::count(m), 2U);
    EXPECT_EQ(account(0, m).handles, 1U);
    EXPECT_EQ(account(0, m).shares, 1U);
  }
  EXPECT_EQ(Shares<>::count(m), 1U) << "a dropped SendPacket gives its share up";
  EXPECT_EQ(text_of(other), "hello");
}

TEST_F(SendPacketTest, AnLcoreHoldsASharePerPacketReceived) {
  rte_mbuf* m = buffer_with(pool, "hello");
  Packet first = PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 5);
  std::vector<Packet> received;
  for (std::uint32_t i = 1; i <= 5; ++i) {
    received.push_back(first.clone().send().receive());
    EXPECT_EQ(account(0, m).shares, 1 + i);
    EXPECT_EQ(account(0, m).handles, 1 + i);
    EXPECT_EQ(Shares<>::count(m), 1 + i);
  }
  received.clear();
  EXPECT_EQ(Shares<>::count(m), 6U)
      << "the lcore gives its shares up all at once, at its last handle";
  first = Packet();
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(SendPacketTest, AtTheLimitSendFailsAndTheHandleStays) {
  rte_mbuf* m = buffer_with(pool, "hello");
  Packet first = PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 5);
  std::vector<SendPacket> sent;
  for (unsigned i = 1; i < Shares<>::kLimit; ++i) {
    sent.push_back(first.clone().send());
    ASSERT_TRUE(sent.back()) << i;
  }
  EXPECT_EQ(Shares<>::count(m), 0x8000U);
  Packet clone = first.clone();
  EXPECT_FALSE(clone.send());
  ASSERT_TRUE(clone);
  EXPECT_EQ(text_of(clone), "hello");
  EXPECT_EQ(Shares<>::count(m), 0x8000U);
  clone = Packet();
  sent.push_back(first.send());
  EXPECT_TRUE(sent.back()) << "the last handle needs no further share";
  EXPECT_EQ(Shares<>::count(m), 0x8000U);
  std::vector<Packet> received;
  for (SendPacket& s : sent) received.push_back(s.receive());
  EXPECT_EQ(account(0, m).shares, 0x8000U);
}

TEST_F(SendPacketTest, C20_AtTheLimitAnLcorePassesOnTheSharesItHasTooMany) {
  rte_mbuf* m = buffer_with(pool, "hello");
  Packet first = PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 5);
  for (unsigned i = 1; i < Shares<>::kLimit; ++i)
    ASSERT_TRUE(first.clone().send().receive()) << i;  // each leaves its share with the lcore
  ASSERT_EQ(account(0, m).shares, 0x8000U);
  ASSERT_EQ(account(0, m).handles, 1U);
  Packet clone = first.clone();
  SendPacket sent = clone.send();
  EXPECT_FALSE(clone);
  ASSERT_TRUE(sent);
  EXPECT_EQ(Shares<>::count(m), 0x8000U) << "none was taken";
  EXPECT_EQ(account(0, m).shares, 0x7fffU);
  EXPECT_EQ(text_of(sent.receive()), "hello");
}

/// Six Packets of one buffer are sent. The lcore has `own` shares of the buffer, and can take
/// `left` more. If `keeps`, the lcore keeps one more handle. `go` of the six Packets can go.
struct AtTheLimit {
  std::uint32_t own;
  std::uint16_t left;
  bool keeps;
  std::size_t go;
};
struct RunAtTheLimit : SendPacketTest, testing::WithParamInterface<AtTheLimit> {};
INSTANTIATE_TEST_SUITE_P(C20, RunAtTheLimit,
                         testing::Values(AtTheLimit{1, 0, true, 0}, AtTheLimit{1, 2, true, 2},
                                         AtTheLimit{3, 0, true, 2}, AtTheLimit{3, 2, true, 4},
                                         AtTheLimit{9, 0, true, 6}, AtTheLimit{7, 0, true, 6},
                                         AtTheLimit{6, 0, true, 5}, AtTheLimit{1, 0, false, 0},
                                         AtTheLimit{1, 2, false, 2}, AtTheLimit{4, 0, false, 3},
                                         AtTheLimit{4, 1, false, 4}, AtTheLimit{4, 2, false, 6},
                                         AtTheLimit{6, 0, false, 6}, AtTheLimit{9, 0, false, 6}));

TEST_P(RunAtTheLimit, GoesAsFarAsTheSharesReach) {
  const AtTheLimit& c = GetParam();
  rte_mbuf* m = buffer_with(pool, "hello");
  const auto others = static_cast<std::uint16_t>(Shares<>::kLimit - c.own - c.left);
  Shares<>::take(m, static_cast<std::uint16_t>(others + c.own - 1));
  {
    PacketSource source(m, c.own);
    std::vector<Packet> packets(6);
    for (Packet& p : packets) p = source.packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 5);
    if (!c.keeps) source.reset();
    std::vector<SendPacket> out(6);
    EXPECT_EQ(Packet::send(packets, out), c.go);
    EXPECT_LE(Shares<>::count(m), Shares<>::kLimit);
    for (std::size_t i = 0; i < out.size(); ++i) {
      EXPECT_EQ(bool(out[i]), i < c.go);
      EXPECT_EQ(bool(packets[i]), i >= c.go);
    }
    EXPECT_EQ(account(0, m).shares > 0, account(0, m).handles > 0);
  }
  EXPECT_EQ(Shares<>::count(m), others);
  if (Shares<>::give_up(m, others)) BufferPool::recycle(m);
}

TEST_F(SendPacketTest, MovesLeaveNothingBehind) {
  SendPacket a = packet_with(pool, "one").send();
  SendPacket b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(a.receive());
  EXPECT_TRUE(b);
  SendPacket c = packet_with(pool, "two").send();
  EXPECT_EQ(pool.in_use(), 2U);
  b = std::move(c);
  EXPECT_EQ(pool.in_use(), 1U) << "what it was goes at once";
  EXPECT_FALSE(c);  // NOLINT(bugprone-use-after-move)
  SendPacket& self = b;
  b = std::move(self);
  EXPECT_EQ(text_of(b.receive()), "two");
  b = SendPacket();
  EXPECT_FALSE(b.receive());
}

TEST_F(SendPacketTest, CrossesLcores) {
  SendPacket there = packet_with(pool, "hello").send();
  SendPacket back;
  on_lcore(1, [&] {
    Packet packet = there.receive();
    EXPECT_EQ(text_of(packet), "hello");
    const Packet clone = packet.clone();
    back = packet.send();
  });
  EXPECT_EQ(text_of(back.receive()), "hello");
}

TEST_F(SendPacketTest, MayBeDroppedOnAnotherLcore) {
  SendPacket sent = packet_with(pool, "hello").send();
  on_lcore(2, [&] { SendPacket(std::move(sent)); });
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(SendPacketTest, LcoresHoldTheSameBufferIndependently) {
  Packet mine = packet_with(pool, "hello");
  std::vector<Packet> kept(4);
  for (unsigned lcore = 1; lcore <= 3; ++lcore) {
    SendPacket sent = mine.clone().send();
    on_lcore(lcore, [&] {
      kept[lcore] = sent.receive();
      kept[0] = kept[lcore].clone();
      kept[0] = Packet();
    });
  }
  const std::vector<BufferHolder> holders = pool.holders(9);
  ASSERT_EQ(holders.size(), 1U);
  EXPECT_EQ(holders[0].shares, 4);
  EXPECT_EQ(holders[0].lcores, (std::vector<unsigned>{0, 1, 2, 3}));
  mine = Packet();
  for (unsigned lcore = 1; lcore <= 3; ++lcore) {
    EXPECT_EQ(pool.in_use(), 1U);
    on_lcore(lcore, [&] {
      EXPECT_EQ(text_of(kept[lcore]), "hello");
      kept[lcore] = Packet();
    });
  }
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(SendPacketTest, AThreadWithoutAnLcoreIdCannotReceiveAndLosesNothing) {
  SendPacket sent = packet_with(pool, "hello").send();
  std::thread([&] {
    EXPECT_FALSE(sent.receive());
    EXPECT_TRUE(sent);
  }).join();
  EXPECT_EQ(text_of(sent.receive()), "hello");
}

TEST_F(SendPacketTest, AThreadWithoutAnLcoreIdMayDropIt) {
  SendPacket sent = packet_with(pool, "hello").send();
  std::thread([&] { SendPacket(std::move(sent)); }).join();
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(SendPacketTest, ARegisteredThreadReceives) {
  SendPacket sent = packet_with(pool, "hello").send();
  std::thread([&] {
    ASSERT_EQ(rte_thread_register(), 0);
    EXPECT_EQ(text_of(sent.receive()), "hello");
    rte_thread_unregister();
  }).join();
  EXPECT_EQ(pool.in_use(), 0U);
}

}  // namespace
}  // namespace bab
