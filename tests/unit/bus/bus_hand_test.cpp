// A Bus that is turned by hand, in virtual time and with tasks.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <bab/bus/bus.hpp>

#include "test_bus.hpp"

namespace bab {
namespace {

using test::expect_clean;
using test::expect_clean_stop;
using test::kGroup;
using test::read_all;
using test::small_bus;
using testing::ElementsAre;

BusOptions virtual_bus() {
  BusOptions o = small_bus();
  o.clock = BusClock::kCaller;
  return o;
}

TEST(BusByHand, OnlyTheCallersTimeMovesIt) {
  Bus bus(virtual_bus());
  auto out = bus.publish({.session = "TIME", .to = kGroup, .flush_us = 100});
  auto in = bus.subscribe({.from = kGroup});
  const std::uint64_t us = rte_get_tsc_hz() / 1'000'000;
  out.send("later");
  EXPECT_FALSE(in.next());  // the bus doesn't turn by itself
  std::uint64_t now = 1'000;
  bus.turn(now);  // the writer's deadline begins with this turn
  bus.turn(now + 99 * us);
  EXPECT_FALSE(in.next());
  bus.turn(now + 101 * us);
  EXPECT_THAT(read_all(in), ElementsAre("later"));
  now += 200 * us;
  // The stop uses the caller's time, too.
  bus.begin_stop();
  EXPECT_TRUE(bus.stopping());
  for (int i = 0; i < 1'000 && !bus.stopped(); ++i) bus.turn(now += rte_get_tsc_hz() / 1'000);
  ASSERT_TRUE(bus.stopped());
  expect_clean(bus.report());
}

TEST(BusByHand, StopGoesOnWhereTheCallersTimeWas) {
  Bus bus(virtual_bus());
  auto out = bus.publish({.session = "TIME", .to = kGroup});
  (void)bus.subscribe({.from = kGroup});
  bus.turn(5);
  out.send("left");
  const StopReport& report = bus.stop();
  expect_clean(report);
  EXPECT_EQ(report.unread_frames, 1U);
}

TEST(BusByHand, TasksWriteAndReadBesideIt) {
  Bus bus(small_bus());
  auto out = bus.publish({.session = "TASKS", .to = kGroup});
  auto in = bus.subscribe({.from = kGroup});
  std::vector<std::string> got;
  bus.spawn(out, [&]() -> Task<> {
    for (const char* text : {"a", "b", "c"}) {
      auto room = co_await out.reserve_wait(1);
      if (!room) co_return;
      *room.data() = static_cast<std::uint8_t>(*text);
      room.commit();
    }
    const Flushed flushed = co_await out.flush_wait();
    EXPECT_EQ(flushed, Flushed::kSent);
  });
  bus.spawn(in, [&]() -> Task<> {
    while (co_await in.ready() == Outcome::kDone)
      while (const Incoming message = in.next()) got.emplace_back(message.text());
  });
  const std::uint64_t deadline = rte_get_tsc_cycles() + 2 * rte_get_tsc_hz();
  bus.run_until([&] { return got.size() == 3 || rte_get_tsc_cycles() > deadline; });
  EXPECT_THAT(got, ElementsAre("a", "b", "c"));
  expect_clean_stop(bus);
}

/// Tasks of publications are asked to end first. Messages that they flush then still reach readers.
TEST(BusByHand, AStopEndsWritersFirst) {
  Bus bus(small_bus());
  auto out = bus.publish({.session = "STAGES", .to = kGroup, .flush_us = 0});
  auto in = bus.subscribe({.from = kGroup});
  std::vector<std::string> got;
  bool writer_ended = false, reader_ended = false;
  bus.spawn(out, [&]() -> Task<> {
    const Outcome outcome = co_await Sleep(~std::uint64_t{0});
    EXPECT_EQ(outcome, Outcome::kCancelled);
    out.send("last words");
    writer_ended = true;
  });
  bus.spawn(in, [&]() -> Task<> {
    while (co_await in.ready() == Outcome::kDone)
      while (const Incoming message = in.next()) got.emplace_back(message.text());
    EXPECT_TRUE(writer_ended);
    reader_ended = true;
  });
  bus.turn(rte_rdtsc());
  expect_clean_stop(bus);
  EXPECT_TRUE(reader_ended);
  EXPECT_THAT(got, ElementsAre("last words"));
}

TEST(BusByHand, NextTurnsNothingInATask) {
  Bus bus(small_bus());
  auto out = bus.publish({.session = "TURN", .to = kGroup, .flush_us = 0});
  auto in = bus.subscribe({.from = kGroup});
  out.send("not flushed");
  bool empty = false;
  bus.spawn(in, [&]() -> Task<> {
    empty = !in.next();
    co_return;
  });
  for (int i = 0; i < 3; ++i) bus.turn(rte_rdtsc());
  EXPECT_TRUE(empty);
  EXPECT_THAT(read_all(in), ElementsAre("not flushed"));
  expect_clean_stop(bus);
}

TEST(BusByHand, AnExceptionOfATasksComesFromStop) {
  Bus bus(small_bus());
  auto in = bus.subscribe({.from = kGroup});
  bus.spawn(in, []() -> Task<> {
    throw Error("of a task");
    co_return;
  });
  bus.turn(rte_rdtsc());
  EXPECT_EQ(test::refusal_of([&] { bus.stop(); }), "of a task");
  EXPECT_TRUE(bus.stopped());
  expect_clean(bus.report());
  bus.stop();  // a second stop() throws nothing
}

/// Readers that began to read and don't go on hold a burst each, beyond their backlogs. The last
/// one gets all of its frames.
TEST(BusByHand, SlowReadersTakeNothingFromTheOthers) {
  constexpr std::uint32_t kReaders = 33, kBacklog = 16;
  BusOptions options = virtual_bus();
  options.lcores = {1};
  options.ports[0].writers = kReaders;
  options.ports[0].backlog = kReaders * kBacklog;
  Bus bus(options);
  std::vector<Publication> outs;
  std::vector<Subscription> ins;
  for (std::uint32_t i = 1; i <= kReaders; ++i) {
    const std::string group = "239.1.1." + std::to_string(i) + ":1";
    ins.push_back(bus.subscribe({.from = group, .backlog = kBacklog}));
    outs.push_back(bus.publish({.to = group, .flush_messages = 1}));
  }
  std::uint64_t now = 0;
  const auto fill = [&](std::size_t i) {
    for (std::uint32_t k = 0; k < kBacklog; ++k) {
      EXPECT_TRUE(outs[i].send("x")) << "to reader " << i;
      bus.turn(++now);
    }
    bus.turn(++now);
  };
  for (std::size_t i = 0; i + 1 < kReaders; ++i) {
    fill(i);
    EXPECT_TRUE(ins[i].next());
    fill(i);
    ASSERT_EQ(ins[i].stats().behind, 0U);
  }
  for (int round = 0; round < 4; ++round) {
    fill(kReaders - 1);
    EXPECT_EQ(read_all(ins.back()).size(), kBacklog);
  }
}

TEST(BusByHand, IsNotStoppedInItsOwnTurn) {
  Bus bus(small_bus());
  auto in = bus.subscribe({.from = kGroup});
  std::string refusal;
  bus.spawn(in, [&]() -> Task<> {
    refusal = test::refusal_of([&] { bus.stop(); });
    bus.begin_stop();
    co_return;
  });
  const std::uint64_t deadline = rte_get_tsc_cycles() + 2 * rte_get_tsc_hz();
  bus.run_until([&] { return bus.stopped() || rte_get_tsc_cycles() > deadline; });
  EXPECT_THAT(refusal, testing::HasSubstr("call begin_stop()"));
  EXPECT_TRUE(bus.stopped());
  expect_clean(bus.report());
}

TEST(BusByHand, RunUntilThrowsWhatATaskThrew) {
  Bus bus(small_bus());
  auto in = bus.subscribe({.from = kGroup});
  bus.spawn(in, []() -> Task<> {
    throw Error("of a task");
    co_return;
  });
  const std::uint64_t deadline = rte_get_tsc_cycles() + 2 * rte_get_tsc_hz();
  const auto at_last = [&] { return rte_get_tsc_cycles() > deadline; };
  EXPECT_EQ(test::refusal_of([&] { bus.run_until(at_last); }), "of a task");
  EXPECT_FALSE(bus.stopping());
  expect_clean_stop(bus);  // throws nothing more
}

TEST(BusByHand, RunUntilEndsWithTheBus) {
  Bus bus(small_bus());
  auto in = bus.subscribe({.from = kGroup});
  bus.spawn(in, [&]() -> Task<> {
    bus.begin_stop();
    co_return;
  });
  const std::uint64_t deadline = rte_get_tsc_cycles() + 5 * rte_get_tsc_hz();
  bus.run_until([&] { return rte_get_tsc_cycles() > deadline; });
  EXPECT_LT(rte_get_tsc_cycles(), deadline);
  EXPECT_TRUE(bus.stopped());
  bus.run_until([&] { return rte_get_tsc_cycles() > deadline; });
  EXPECT_LT(rte_get_tsc_cycles(), deadline);
}

}  // namespace
}  // namespace bab
