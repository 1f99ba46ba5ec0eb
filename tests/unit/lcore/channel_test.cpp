#include <bab/lcore/channel.hpp>

#include <array>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/lcore/acquire.hpp>
#include <bab/lcore/lcore.hpp>

#include "full_pool.hpp"
#include "packets.hpp"

namespace bab {
namespace {

using test::FullPool;

TEST(Channel, OfNoItemsCannotBe) { EXPECT_THROW(BufferChannel(0), Error); }

TEST(Channel, CarriesBuffersInOrderThroughASmallRing) {
  FullPool pool(8);
  BufferChannel channel(2);
  Lcore lcore;
  std::vector<std::uint32_t> ids;
  std::array<rte_mbuf*, 8> sent;
  ASSERT_TRUE(pool.try_acquire(sent));
  std::vector<std::uint32_t> wanted;
  for (rte_mbuf* m : sent) wanted.push_back(buffer_meta(m).id);
  lcore.spawn([&]() -> Task<> {
    EXPECT_EQ(co_await channel.send(sent), Outcome::kDone);
    channel.close_sender();
  });
  lcore.spawn([&]() -> Task<> {
    std::array<rte_mbuf*, 4> out;
    while (true) {
      auto receive = channel.receive(out);
      if (co_await receive == Outcome::kClosed) break;
      for (std::size_t i = 0; i < receive.received(); ++i) {
        ids.push_back(buffer_meta(out[i]).id);
        BufferPool::release(out[i]);
      }
    }
  });
  for (int t = 1; t < 20; ++t) lcore.turn(t);
  EXPECT_EQ(ids, wanted);
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(Channel, CarriesPacketsOfTheSendingLcore) {
  FullPool pool(4);
  PacketChannel channel(2);
  Lcore lcore;
  std::vector<Packet> packets;
  for (const char* text : {"a", "b", "c", "d"}) packets.push_back(test::packet_with(pool, text));
  packets.push_back(packets.back().clone());
  std::string got;
  lcore.spawn([&]() -> Task<> {
    EXPECT_EQ(co_await channel.send(std::span(packets)), Outcome::kDone);
    channel.close_sender();
  });
  lcore.spawn([&]() -> Task<> {
    std::array<SendPacket, 4> out;
    while (true) {
      auto receive = channel.receive(out);
      if (co_await receive == Outcome::kClosed) break;
      for (std::size_t i = 0; i < receive.received(); ++i) got += test::text_of(out[i].receive());
    }
  });
  for (int t = 1; t < 20; ++t) lcore.turn(t);
  EXPECT_EQ(got, "abcdd");
  for (const Packet& p : packets) EXPECT_FALSE(p);
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(Channel, PacketsThatFindItClosedStayWhereTheyAre) {
  FullPool pool(3);
  PacketChannel channel(1);
  std::array<Packet, 3> packets;
  for (Packet& p : packets) p = test::packet_with(pool, "x");
  EXPECT_EQ(channel.try_send(std::span(packets)), channel.capacity());
  channel.close_receiver();
  Lcore lcore;
  std::size_t sent = 9;
  lcore.spawn([&]() -> Task<> {
    auto send = channel.send(std::span(packets).subspan(channel.capacity()));
    EXPECT_EQ(co_await send, Outcome::kClosed);
    sent = send.sent();
  });
  lcore.turn(1);
  EXPECT_EQ(sent, 0U);
  EXPECT_EQ(test::text_of(packets.back()), "x");
}

TEST(Channel, AfterTheReceiverClosedTheSenderKeepsTheRest) {
  FullPool pool(4);
  BufferChannel channel(2);
  Lcore lcore;
  std::array<rte_mbuf*, 4> items;
  ASSERT_TRUE(pool.try_acquire(items));
  Outcome outcome = Outcome::kDone;
  std::size_t sent = 9;
  lcore.spawn([&]() -> Task<> {
    auto send = channel.send(items);
    outcome = co_await send;
    sent = send.sent();
  });
  lcore.turn(1);
  EXPECT_EQ(channel.close_receiver(), 2U);
  lcore.turn(2);
  EXPECT_EQ(outcome, Outcome::kClosed);
  EXPECT_EQ(sent, 2U);
  BufferPool::release(std::span(items).subspan(sent));
  EXPECT_EQ(channel.discarded(), 2U);
}

TEST(Channel, WhatIsInsideWhenItGoesIsReleased) {
  FullPool pool(2);
  std::array<rte_mbuf*, 2> items;
  ASSERT_TRUE(pool.try_acquire(items));
  {
    BufferChannel channel(4);
    EXPECT_EQ(channel.try_send(items), 2U);
  }
  EXPECT_EQ(pool.in_use(), 0U);
}

}  // namespace
}  // namespace bab
