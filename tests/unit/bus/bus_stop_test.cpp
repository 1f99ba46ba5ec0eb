// Each stop ends in its time limit, even if frames still arrive or can't be sent.
#include <atomic>
#include <chrono>
#include <cstring>
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

/// Virtual milliseconds until the bus has stopped. A turn takes 1/8 ms. `each` is called before
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

/// A port that always receives: net_null gives frames of zeros without end.
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

/// A peer sends to a subscription without end. The stop spends its share of the time on these
/// frames, and no more.
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
  // Frames left in the cable belong to the peer.
  peer.stop();
}

TEST(BusStop, WhatCanNotBeSentIsDroppedAndTold) {
  Bus bus(stoppable_bus());
  auto out = bus.publish({.session = "DEAD", .to = kGroup, .flush_messages = 1});
  bus.port(0).hold(true);  // a PortWatch does this when the link is down
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(out.send("stays"));
  const std::uint32_t ms = virtual_ms_to_stop(
      bus, [&] { EXPECT_THAT(bus.report().notes, IsEmpty()) << "before it has stopped"; });
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
      ++turns;  // 2,500 turns take more than a quarter of the time, and less than all of it
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

/// A peer that sends without end, with both buses on worker lcores and by the CPU's clock. The peer
/// sends at full rate, to an address that is read and to one that nobody reads.
TEST(BusStop, AFloodDoesNotHoldUpAStop) {
  LoopbackPair cable;
  const auto on_end = [&cable](std::size_t end) {
    BusOptions o = small_bus();
    o.ports[0].device = test::device_of(cable.port_ids().at(end));
    o.idle.strategy = IdleStrategy::kBackOff;
    return o;
  };
  Bus peer(on_end(0));
  Bus bus(on_end(1));
  const auto flood = [&peer](const char* session, const char* to) {
    auto out = peer.publish({.session = session, .to = to, .flush_messages = 1, .lcore = 2});
    peer.spawn(out, [out]() mutable -> Task<> {
      while (true) {
        auto room = co_await out.reserve_wait(2);
        if (!room) co_return;
        std::memcpy(room.data(), "on", 2);
        room.commit();
      }
    });
  };
  flood("PEER", kGroup);
  flood("OTHERS", "239.9.9.9:9");
  auto in = bus.subscribe({.from = kGroup, .lcore = 1});
  std::atomic<std::uint64_t> read{0};
  bus.spawn(in, [in, &read]() mutable -> Task<> {
    while (true) {
      const Outcome outcome = co_await in.ready();
      if (outcome != Outcome::kDone) co_return;
      while (in.next()) read.fetch_add(1, std::memory_order_relaxed);
    }
  });
  bus.start();
  peer.start();
  const auto began = std::chrono::steady_clock::now();
  while (read < 100 && std::chrono::steady_clock::now() - began < std::chrono::seconds(10))
    rte_delay_us_sleep(200);
  EXPECT_GE(read, 100U);
  const auto before = std::chrono::steady_clock::now();
  // takes at most 500 ms; the rest of the 2 s is for a slow machine
  const StopReport& report = bus.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
  EXPECT_THAT(report.notes, IsEmpty());
  EXPECT_TRUE(report.ledger.balanced());
  EXPECT_TRUE(report.is_full());
  peer.stop();  // frames left in the cable stay there
  EXPECT_TRUE(peer.stopped());
}

/// An lcore that gets no CPU for a while, as on a machine that also does other work.
struct Sleeper {
  std::atomic<bool> is_wanted{false}, is_asleep{false};
  unsigned poll(std::uint64_t) noexcept {
    if (!is_wanted.exchange(false)) return 0;
    is_asleep = true;
    rte_delay_us_sleep(100'000);
    return 0;
  }
};

TEST(BusStop, ALoopThatDoesNotTurnForAWhileStillReadsWhatCame) {
  Sleeper sleeper;
  BusOptions options = small_bus();
  options.stop_ms = 5'000;  // long, because other programs may take the machine's CPUs
  Bus bus(options);
  auto out = bus.publish({.session = "ASLEEP", .to = kGroup, .flush_us = 0});
  auto in = bus.subscribe({.from = kGroup, .lcore = 1});
  std::atomic<unsigned> read{0};
  bus.spawn(in, [in, &read]() mutable -> Task<> {
    while (true) {
      const Outcome outcome = co_await in.ready();
      if (outcome != Outcome::kDone) co_return;
      while (in.next()) read.fetch_add(1);
    }
  });
  bus.lcore(1).add(sleeper);
  bus.start();
  sleeper.is_wanted = true;
  while (!sleeper.is_asleep) rte_delay_us_sleep(10);
  out.send("while it sleeps");
  expect_clean(bus.stop());
  EXPECT_EQ(read, 1U);
  EXPECT_EQ(bus.report().unread_frames, 0U);
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

/// Reads one message every `ms`.
Task<> read_slowly(Subscription in, std::uint32_t ms, std::atomic<unsigned>& read) {
  while (true) {
    const Outcome outcome = co_await in.ready();
    if (outcome != Outcome::kDone) co_return;
    (void)in.next();
    read.fetch_add(1);
    co_await Sleep(Lcore::current()->deadline_in(ms * rte_get_tsc_hz() / 1'000));
  }
}

constexpr unsigned kSlowFrames = 30;

void send_frames(Bus& bus, Publication out) {
  for (unsigned i = 0; i < kSlowFrames; ++i) out.send("one of many");
  for (int i = 0; i < 50; ++i) bus.turn(rte_rdtsc());
}

/// Frames that the reader has taken out of its ring count, too.
TEST(BusStop, AReaderThatIsSlowIsWaitedFor) {
  for (const unsigned lcore : {1U, RunOn::kHere}) {
    BusOptions options = small_bus();
    options.stop_ms = 5'000;
    Bus bus(options);
    auto out = bus.publish({.session = "SLOW", .to = kGroup, .flush_messages = 1});
    auto in = bus.subscribe({.from = kGroup, .backlog = 64, .lcore = lcore});
    std::atomic<unsigned> read{0};
    bus.spawn(in, [&] { return read_slowly(in, 4, read); });
    bus.start();
    send_frames(bus, out);
    EXPECT_LT(read, kSlowFrames);
    expect_clean(bus.stop());
    EXPECT_EQ(read, kSlowFrames);
    EXPECT_EQ(bus.report().unread_frames, 0U);
  }
}

TEST(BusStop, WhatASlowReaderLeavesIsTold) {
  for (const unsigned lcore : {1U, RunOn::kHere}) {
    BusOptions options = small_bus();
    options.stop_ms = 200;
    Bus bus(options);
    auto out = bus.publish({.session = "SLOWER", .to = kGroup, .flush_messages = 1});
    auto in = bus.subscribe({.from = kGroup, .backlog = 64, .lcore = lcore});
    std::atomic<unsigned> read{0};
    bus.spawn(in, [&] { return read_slowly(in, 50, read); });
    bus.start();
    send_frames(bus, out);
    bus.stop();
    EXPECT_LT(read, kSlowFrames);
    EXPECT_THAT(bus.report().notes,
                ElementsAre(HasSubstr("of the frames that came were not read")));
    EXPECT_GT(bus.report().unread_frames, 0U);
    EXPECT_TRUE(bus.report().ledger.balanced());
    EXPECT_TRUE(bus.report().is_full());
  }
}

}  // namespace
}  // namespace bab
