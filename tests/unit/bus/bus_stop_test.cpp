// Stops: each ends in its time, whatever still comes or doesn't go.
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <bab/bus/bus.hpp>
#include <bab/port/loopback_pair.hpp>

#include "../port/test_port.hpp"
#include "test_bus.hpp"

namespace bab {
namespace {

using test::expect_clean;
using test::kGroup;
using test::small_bus;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Virtual milliseconds until the bus has stopped; each turn takes 1/8 ms. `each` is called before
/// every turn.
template <class Each>
std::uint32_t virtual_ms_to_stop(Bus& bus, Each&& each) {
  const std::uint64_t step = rte_get_tsc_hz() / 8'000;
  std::uint64_t now = step;
  bus.turn(now);
  bus.begin_stop();
  std::uint32_t turns = 0;
  for (; !bus.stopped() && turns < 80'000; ++turns) {
    each();
    bus.turn(now += step);
  }
  EXPECT_TRUE(bus.stopped());
  return turns / 8;
}

BusOptions stoppable_bus(const std::string& device = "loopback") {
  BusOptions o = small_bus();
  o.ports[0].device = device;
  o.clock = BusClock::kCaller;
  o.stop_ms = 1'000;
  return o;
}

TEST(BusStop, IsQuickWhereAllIsQuiet) {
  Bus bus(stoppable_bus());
  (void)bus.publish({.session = "QUIET", .to = kGroup});
  (void)bus.subscribe({.from = kGroup});
  EXPECT_LE(virtual_ms_to_stop(bus, [] {}), 20U);
  expect_clean(bus.report());
}

/// A wire that never falls silent: net_null receives zeros without end.
TEST(BusStop, ForeignFramesDoNotDelayIt) {
  const test::Vdev null("net_null_stop0");
  Bus bus(stoppable_bus("net_null_stop0"));
  auto out = bus.publish({.session = "FLOOD", .to = kGroup});
  auto in = bus.subscribe({.from = kGroup});
  out.send("into the void");
  EXPECT_LE(virtual_ms_to_stop(bus, [] {}), 20U);
  expect_clean(bus.report());
  EXPECT_EQ(in.stats().frames, 0U);
  EXPECT_EQ(out.stats().frames, 1U);
}

/// Nor do frames for a subscription that somebody sends on and on: the stop takes its part of the
/// time, and no more.
TEST(BusStop, APeerThatSendsForEverIsNotWaitedForForEver) {
  LoopbackPair cable;
  Bus peer(stoppable_bus(test::device_of(cable.port_ids()[0])));
  Bus bus(stoppable_bus(test::device_of(cable.port_ids()[1])));
  auto forever = peer.publish({.session = "PEER", .to = kGroup, .flush_messages = 1});
  auto in = bus.subscribe({.from = kGroup});
  std::uint64_t now = 0;
  const std::uint32_t ms = virtual_ms_to_stop(bus, [&] {
    (void)forever.send("on and on");
    peer.turn(++now);
    while (in.next()) {
    }
  });
  EXPECT_GE(ms, 100U);
  EXPECT_LE(ms, 1'000U);
  EXPECT_THAT(bus.report().notes, IsEmpty());
  EXPECT_TRUE(bus.report().is_full());
  // What it left in the cable is the peer's.
  peer.stop();
}

TEST(BusStop, WhatCanNotBeSentIsDroppedAndTold) {
  Bus bus(stoppable_bus());
  auto out = bus.publish({.session = "DEAD", .to = kGroup, .flush_messages = 1});
  bus.port(0).hold(true);  // as a PortWatch does when the link is down
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(out.send("stays"));
  const std::uint32_t ms = virtual_ms_to_stop(bus, [] {});
  EXPECT_GE(ms, 540U);
  EXPECT_LE(ms, 1'000U);
  EXPECT_EQ(bus.report().dropped_messages, 3U);
  EXPECT_EQ(out.stats().dropped_messages, 3U);
  EXPECT_TRUE(bus.report().ledger.balanced());
  EXPECT_THAT(bus.report().notes,
              ElementsAre(HasSubstr("not all that was written could be sent after 550 ms")));
  EXPECT_TRUE(bus.report().is_full());
}

TEST(BusStop, ATaskThatDoesNotEndIsTold) {
  Bus bus(stoppable_bus());
  auto out = bus.publish({.session = "TASK", .to = kGroup});
  auto in = bus.subscribe({.from = kGroup});
  unsigned turns = 0;
  bus.spawn(out, [&]() -> Task<> {
    while (turns < 2'500) {
      ++turns;  // so many turns are more than a quarter of the time, and less than all
      co_await Yield();
    }
    out.send("late");
  });
  const std::uint32_t ms = virtual_ms_to_stop(bus, [] {});
  EXPECT_LE(ms, 1'000U);
  EXPECT_THAT(bus.report().notes,
              ElementsAre(HasSubstr("tasks of publications had not ended after 250 ms")));
  EXPECT_TRUE(bus.report().is_full());
  EXPECT_EQ(turns, 2'500U);
  (void)in;
}

TEST(BusStop, AReservationThatIsNeverSettledHoldsItUpForItsPartOnly) {
  Bus bus(stoppable_bus());
  auto out = bus.publish({.session = "OPEN", .to = kGroup});
  out.send("before");
  auto room = out.reserve(4);
  const std::uint64_t step = rte_get_tsc_hz() / 1'000;
  std::uint64_t now = step;
  bus.begin_stop();
  for (int ms = 0; ms < 1'000 && !bus.stopped(); ++ms) bus.turn(now += step);
  ASSERT_TRUE(bus.stopped());
  EXPECT_THAT(bus.report().notes,
              ElementsAre(HasSubstr("not all that was written could be sent after 550 ms"),
                          HasSubstr("a Reservation was never settled")));
  EXPECT_FALSE(bus.report().is_full());
  room.abort();  // its writer is there still
}

TEST(BusStop, ByTheCpusClockIsBoundedToo) {
  const test::Vdev null("net_null_stop1");
  BusOptions options = small_bus();
  options.ports[0].device = "net_null_stop1";
  options.stop_ms = 200;
  Bus bus(options);
  auto in = bus.subscribe({.from = kGroup, .lcore = 1});
  bus.spawn(in, [in]() mutable -> Task<> {
    while (true) {
      const Outcome outcome = co_await in.ready();
      if (outcome != Outcome::kDone) co_return;
      while (in.next()) {
      }
    }
  });
  bus.start();
  const auto before = std::chrono::steady_clock::now();
  expect_clean(bus.stop());
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
}

}  // namespace
}  // namespace bab
