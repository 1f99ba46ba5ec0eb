#include <bab/bus/bus.hpp>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_mempool.h>

#include "test_bus.hpp"

namespace bab {
namespace {

using test::expect_clean_stop;
using test::kGroup;
using test::read_all;
using test::small_bus;
using testing::ElementsAre;

/// 0: nothing is read or committed. 1: one message is read. 2: a reservation is committed, too.
void leave_messages_in(Bus& bus, int i) {
  auto out = bus.publish({.session = "GOES", .to = kGroup});
  auto in = bus.subscribe({.from = kGroup});
  out.send("a");
  out.send("b");
  if (i > 0) (void)in.next();
  auto room = out.reserve(10);
  if (i > 1) room.commit();
}

TEST(Bus, ReadsWhatWasSent) {
  Bus bus({.ports = {{.device = "loopback", .mtu = 9000}}});
  auto out = bus.publish({.port = 0, .session = "HELLO", .to = kGroup});
  auto in = bus.subscribe({.port = 0, .from = kGroup});
  EXPECT_TRUE(out.send("hello"));
  EXPECT_TRUE(out.send("bus"));
  EXPECT_THAT(read_all(in), ElementsAre("hello", "bus"));
  EXPECT_EQ(in.next().kind(), Incoming::Kind::kNothing);
  expect_clean_stop(bus);
}

TEST(Bus, RoomIsFilledInPlace) {
  Bus bus(small_bus());
  auto out = bus.publish({.session = "PLACE", .to = kGroup});
  auto in = bus.subscribe({.from = kGroup});
  {
    auto room = out.reserve(3);
    ASSERT_TRUE(room);
    std::memcpy(room.data(), "abc", 3);
    room.commit();
    auto taken_back = out.reserve(100);
    ASSERT_TRUE(taken_back);
  }
  EXPECT_THAT(read_all(in), ElementsAre("abc"));
  expect_clean_stop(bus);
}

TEST(Bus, EmptyMessagesAreMessages) {
  Bus bus(small_bus());
  auto out = bus.publish({.session = "EMPTY", .to = kGroup});
  auto in = bus.subscribe({.from = kGroup});
  EXPECT_TRUE(out.send(""));
  const Incoming got = in.next();
  EXPECT_TRUE(got.is_message());
  EXPECT_EQ(got.size(), 0U);
  EXPECT_FALSE(in.next());
  expect_clean_stop(bus);
}

TEST(Bus, SaysWhichMessageItWas) {
  Bus bus(small_bus());
  auto out = bus.publish({.session = "NUMBERS", .to = kGroup});
  auto in = bus.subscribe({.from = kGroup});
  for (std::uint64_t frame = 0; frame < 2; ++frame) {
    out.send("a");
    out.send("b");
    EXPECT_TRUE(in.next());
    EXPECT_EQ(in.sequence(), 2 * frame + 1);
    EXPECT_TRUE(in.next());
    EXPECT_EQ(in.sequence(), 2 * frame + 2);
    EXPECT_EQ(in.session(), wire::make_session("NUMBERS"));
    EXPECT_FALSE(in.next());
  }
  EXPECT_EQ(out.session(), wire::make_session("NUMBERS"));
  expect_clean_stop(bus);
  EXPECT_EQ(out.stats().messages, 4U);
  EXPECT_EQ(out.stats().frames, 2U);
  EXPECT_EQ(in.stats().messages, 4U);
  EXPECT_EQ(in.stats().frames, 2U);
}

TEST(Bus, GivesWholeFramesToo) {
  Bus bus(small_bus());
  auto out = bus.publish({.session = "FRAMES", .to = kGroup});
  auto in = bus.subscribe({.from = kGroup});
  for (const char* text : {"a", "b", "c"}) out.send(text);
  EXPECT_EQ(in.next().text(), "a");
  {
    ReceivedFrame rest = in.next_frame();
    ASSERT_EQ(rest.left(), 2U);
    EXPECT_EQ(rest.header().messages(), 3U);
    EXPECT_FALSE(in.next());  // the frame's messages belong to the caller now
    EXPECT_EQ(rest.next().bytes()[0], 'b');
  }
  EXPECT_FALSE(in.next_frame());
  out.send("d");
  EXPECT_EQ(in.next_frame().left(), 1U);
  expect_clean_stop(bus);
}

TEST(Bus, SessionsWithoutANameHaveOneOfTheirOwn) {
  Bus bus(small_bus());
  const auto first = bus.publish({.to = kGroup});
  const auto second = bus.publish({.to = kGroup});
  EXPECT_NE(first.session(), second.session());
  EXPECT_EQ(first.session()[9] == ' ', second.session()[9] == ' ');
}

TEST(Bus, AKeptMessageStays) {
  std::optional<Packet> kept;
  {
    BusOptions options = small_bus();
    options.ports[0].extra_buffers = 1;
    Bus bus(options);
    auto out = bus.publish({.session = "KEPT", .to = kGroup});
    auto in = bus.subscribe({.from = kGroup});
    out.send("first");
    out.send("second");
    const Incoming first = in.next();
    ASSERT_EQ(first.text(), "first");
    kept = in.keep(first);
    EXPECT_EQ(in.next().text(), "second");
    EXPECT_FALSE(in.next());
    EXPECT_FALSE(in.keep(Incoming()));
    // The kept packet pins its frame. The report counts this buffer as missing.
    const StopReport& report = bus.stop();
    EXPECT_EQ(report.pools.at(0).missing, 1U);
    EXPECT_FALSE(report.is_full());
  }
  const std::string text(kept->bytes().begin(), kept->bytes().end());
  EXPECT_EQ(text, "first");
}

TEST(Bus, WhatDoesNotFitIsNotSent) {
  Bus bus(small_bus(1500));
  auto out = bus.publish({.session = "LONG", .to = kGroup});
  auto in = bus.subscribe({.from = kGroup});
  const std::string longest(out.max_message(), 'x');
  EXPECT_TRUE(out.send(longest));
  EXPECT_FALSE(out.send(longest + "y"));
  EXPECT_THAT(read_all(in), ElementsAre(longest));
  expect_clean_stop(bus);
}

/// Without a reader nothing is lost: the wire fills up, then the pool, and then send() says that
/// there is no room.
TEST(Bus, WithoutAReaderSendSaysThatThereIsNoRoom) {
  BusOptions options = small_bus(1500);
  options.ports[0].backlog = 64;
  Bus bus(options);
  auto out = bus.publish({.session = "FULL", .to = kGroup, .flush_messages = 1});
  auto in = bus.subscribe({.from = kGroup, .backlog = 64});
  std::uint32_t sent = 0;
  while (sent < 10'000 && out.send({reinterpret_cast<const std::uint8_t*>(&sent), sizeof sent}))
    ++sent;
  EXPECT_GT(sent, 64U);
  EXPECT_LT(sent, 10'000U);
  for (std::uint32_t i = 0; i < sent; ++i) {
    const Incoming got = in.next();
    ASSERT_TRUE(got) << i << " of " << sent;
    EXPECT_EQ(std::memcmp(got.data(), &i, sizeof i), 0) << i;
  }
  EXPECT_FALSE(in.next());
  EXPECT_TRUE(out.send("again"));
  EXPECT_EQ(in.next().text(), "again");
  EXPECT_EQ(in.stats().behind, 0U);
  expect_clean_stop(bus);
}

TEST(Bus, EachSubscriptionHasItsOwnAddressesMessages) {
  Bus bus(small_bus());
  auto to_first = bus.publish({.session = "ONE", .to = "239.1.1.1:30001"});
  auto to_second = bus.publish({.session = "TWO", .to = "239.1.1.2:30001"});
  auto to_third = bus.publish({.session = "THREE", .to = "239.1.1.1:30002"});
  auto first = bus.subscribe({.from = "239.1.1.1:30001", .backlog = 8});
  auto second = bus.subscribe({.from = "239.1.1.2:30001", .backlog = 8});
  auto third = bus.subscribe({.from = "239.1.1.1:30002", .backlog = 8});
  to_first.send("1");
  to_second.send("2");
  to_third.send("3");
  EXPECT_THAT(read_all(first), ElementsAre("1"));
  EXPECT_THAT(read_all(second), ElementsAre("2"));
  EXPECT_THAT(read_all(third), ElementsAre("3"));
  expect_clean_stop(bus);
}

TEST(Bus, OneThatIsNotReadLosesItsOwnFramesOnly) {
  Bus bus(small_bus());
  auto slow_out = bus.publish({.session = "SLOW", .to = "239.1.1.1:1", .flush_messages = 1});
  auto out = bus.publish({.session = "FAST", .to = "239.1.1.1:2", .flush_messages = 1});
  auto slow = bus.subscribe({.from = "239.1.1.1:1", .backlog = 4});
  auto in = bus.subscribe({.from = "239.1.1.1:2", .backlog = 4});
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(slow_out.send("slow"));
    ASSERT_TRUE(out.send("fast"));
    EXPECT_THAT(read_all(in), ElementsAre("fast"));
  }
  EXPECT_EQ(in.stats().behind, 0U);
  EXPECT_EQ(read_all(slow).size(), 4U);
  EXPECT_EQ(slow.stats().frames, 20U);
  EXPECT_EQ(slow.stats().behind, 16U);
  expect_clean_stop(bus);
}

TEST(Bus, ASubscriptionToOneSessionLeavesOutTheOthers) {
  Bus bus(small_bus());
  auto a = bus.publish({.session = "A", .to = kGroup});
  auto b = bus.publish({.session = "B", .to = kGroup});
  auto in = bus.subscribe({.from = kGroup, .session = "B"});
  a.send("of a");
  b.send("of b");
  EXPECT_THAT(read_all(in), ElementsAre("of b"));
  EXPECT_EQ(in.stats().other_sessions, 1U);
  expect_clean_stop(bus);
}

TEST(Bus, ASubscriptionToAVlanHasItsFramesAlone) {
  Bus bus(small_bus());
  auto plain = bus.publish({.session = "PLAIN", .to = kGroup});
  auto tagged = bus.publish({.session = "TAGGED", .to = kGroup, .vlan = std::uint16_t{7}});
  auto of_any = bus.subscribe({.from = kGroup});
  auto of_seven = bus.subscribe({.from = kGroup, .vlan = std::uint16_t{7}});
  plain.send("plain");
  tagged.send("tagged");
  EXPECT_THAT(read_all(of_any), ElementsAre("plain"));
  EXPECT_THAT(read_all(of_seven), ElementsAre("tagged"));
  expect_clean_stop(bus);
}

/// Each received frame has exactly one place in the ledger.
TEST(Bus, TheLedgerHasEachFrameOnce) {
  Bus bus(small_bus());
  auto out = bus.publish({.session = "A", .to = kGroup, .flush_messages = 1});
  auto other_session = bus.publish({.session = "B", .to = kGroup, .flush_messages = 1});
  auto other_group = bus.publish({.session = "C", .to = "239.9.9.9:9", .flush_messages = 1});
  auto in = bus.subscribe({.from = kGroup, .session = "A", .backlog = 4});
  auto second =
      bus.subscribe({.from = "239.1.1.2:2", .backlog = 4});  // with two, frames can be dropped
  for (int i = 0; i < 2; ++i) out.send("read");
  other_session.send("not ours");
  EXPECT_EQ(read_all(in).size(), 2U);
  for (int i = 0; i < 6; ++i) out.send("four wait, two are behind");
  for (int i = 0; i < 3; ++i) other_group.send("for nobody");
  for (int i = 0; i < 3; ++i) bus.turn(rte_rdtsc());
  const StopReport& report = bus.stop();
  test::expect_clean(report);
  const auto terms = [&](const std::string& name) {
    std::string all;
    for (const Ledger::Row& row : report.ledger.rows())
      if (row.name == name)
        for (const auto& [term, n] : row.out) all += term + ' ' + std::to_string(n) + ' ';
    return all;
  };
  EXPECT_EQ(terms("port 0: frames received"), "for subscriptions 9 other_port 3 ");
  EXPECT_EQ(terms("239.1.1.1:30001, port 0: frames"),
            "read 2 of other sessions 1 behind 2 unread 4 ");
  EXPECT_EQ(terms("session A to 239.1.1.1:30001, port 0: frames written"), "sent 8 dropped 0 ");
  EXPECT_EQ(bus.drops(0)[Drop::kOtherPort], 3U);
  EXPECT_EQ(report.unread_frames, 4U);
  (void)second;
}

TEST(Bus, UnreadAndUnsentMessagesGoBackWithIt) {
  Bus bus(small_bus());
  auto out = bus.publish({.session = "REST", .to = kGroup, .flush_us = 0});
  auto in = bus.subscribe({.from = kGroup});
  out.send("read");
  out.send("not read");
  EXPECT_TRUE(in.next());
  out.send("not flushed");
  const StopReport& report = bus.stop();
  test::expect_clean(report);
  EXPECT_EQ(report.unread_frames, 2U);  // the stop sends what wasn't flushed
  EXPECT_EQ(out.stats().messages, 3U);
}

TEST(Bus, NeedsNoStop) {
  for (int i = 0; i < 3; ++i) {
    std::string pool;
    {
      Bus bus(small_bus());
      pool = bus.tx_pool(0).name();
      EXPECT_NE(rte_mempool_lookup(pool.c_str()), nullptr);
      leave_messages_in(bus, i);
    }
    // the pool is gone: all its buffers came back
    EXPECT_EQ(rte_mempool_lookup(pool.c_str()), nullptr);
  }
}

TEST(Bus, TwoHaveNothingToDoWithEachOther) {
  Bus first(small_bus());
  Bus second(small_bus());
  auto first_out = first.publish({.session = "SAME", .to = kGroup});
  auto second_out = second.publish({.session = "SAME", .to = kGroup});
  auto first_in = first.subscribe({.from = kGroup});
  auto second_in = second.subscribe({.from = kGroup});
  first_out.send("first");
  second_out.send("second");
  EXPECT_THAT(read_all(first_in), ElementsAre("first"));
  EXPECT_THAT(read_all(second_in), ElementsAre("second"));
  expect_clean_stop(first);
  second_out.send("goes on");
  EXPECT_THAT(read_all(second_in), ElementsAre("goes on"));
  expect_clean_stop(second);
}

TEST(Bus, TwoAreCabledTogetherByTheirDevices) {
  LoopbackPair cable;
  const auto options = [&](std::size_t end) {
    BusOptions o = small_bus();
    o.ports[0].device = test::device_of(cable.port_ids().at(end));
    return o;
  };
  Bus here(options(0));
  Bus there(options(1));
  auto out = here.publish({.session = "CABLE", .to = kGroup});
  auto in = there.subscribe({.from = kGroup});
  out.send("across");
  out.flush();
  here.turn(1);
  EXPECT_THAT(read_all(in), ElementsAre("across"));
  expect_clean_stop(there);
  expect_clean_stop(here);
}

TEST(Bus, ShowsWhatItsPoolsAreFor) {
  BusOptions options = small_bus();
  options.ports[0].writers = 3;
  Bus bus(options);
  const PoolPlan plan = bus.tx_plan(0);
  EXPECT_EQ(plan.buffers, bus.tx_pool(0).size());
  EXPECT_THAT(plan.text(), testing::HasSubstr("6 of 3 writers"));
  // a loopback receives the buffers that were sent, and needs no others
  EXPECT_TRUE(bus.rx_plan(0).terms.empty());
  EXPECT_EQ(bus.mtu(0), 1500U);
  EXPECT_EQ(bus.port(0).driver(), "net_ring");
}

}  // namespace
}  // namespace bab
