// A Bus where a task or a poller of the program's own throws.
#include <atomic>
#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <bab/base/error.hpp>
#include <bab/bus/bus.hpp>

#include "lcores.hpp"
#include "test_bus.hpp"

namespace bab {
namespace {

using test::expect_clean_stop;
using test::kGroup;
using test::on_workers;
using test::refusal_of;
using test::within_10_s;
using testing::HasSubstr;

/// A poller of the program's own that throws when it is told to.
struct Throwing {
  std::atomic<bool> is_wanted{false};
  unsigned poll(std::uint64_t) {
    if (is_wanted) throw Error("of a poller");
    return 0;
  }
};

/// Writes for as long as the bus lets it, one message a turn, and counts them.
Task<> write_on(Publication& out, std::atomic<std::uint64_t>& written) {
  while (true) {
    auto room = co_await out.reserve_wait(1);
    if (!room) co_return;
    *room.data() = 'x';
    room.commit();
    written.fetch_add(1, std::memory_order_relaxed);
    co_await Yield();
  }
}

TEST(BusOnWorkers, APollerByHandThatThrowsDoesNotCutAStopShort) {
  Throwing throwing;
  std::atomic<std::uint64_t> written{0};
  BusOptions options = on_workers();
  options.stop_ms = 500;
  for (const bool is_asked : {true, false}) {
    throwing.is_wanted = false;
    written = 0;
    Bus bus(options);
    auto out = bus.publish({.session = "THROWS", .to = kGroup, .flush_us = 0, .lcore = 1});
    auto in = bus.subscribe({.from = kGroup});
    bus.lcore(RunOn::kHere).add(throwing);
    bus.spawn(out, [&] { return write_on(out, written); });
    bus.start();
    EXPECT_TRUE(within_10_s([&] { return written > 10; }));
    throwing.is_wanted = true;
    (void)in.next();          // turns the bus, and throws nothing
    if (!is_asked) continue;  // the destructor stops it
    EXPECT_EQ(refusal_of([&] { bus.stop(); }), "of a poller");
    EXPECT_TRUE(bus.stopped());
    EXPECT_TRUE(bus.report().is_full());
    EXPECT_TRUE(bus.report().ledger.balanced());
  }
}

/// What one task throws is kept. The publication of the same lcore goes on until the stop.
TEST(BusOnWorkers, ATaskThatThrowsDoesNotEndItsLoop) {
  std::atomic<std::uint64_t> written{0};
  std::atomic<bool> thrown{false};
  Bus bus(on_workers());
  auto out = bus.publish({.session = "ON", .to = kGroup, .flush_us = 0, .lcore = 1});
  auto in = bus.subscribe({.from = "239.1.1.2:2", .backlog = 8, .lcore = 1});
  bus.spawn(out, [&] { return write_on(out, written); });
  bus.spawn(in, [&]() -> Task<> {
    while (written < 10) co_await Yield();
    thrown = true;
    throw Error("of a reader");
  });
  bus.start();
  EXPECT_TRUE(within_10_s([&] { return thrown.load(); }));
  const std::uint64_t before = written;
  EXPECT_TRUE(within_10_s([&] { return written > before + 1'000; }));
  EXPECT_EQ(refusal_of([&] { bus.stop(); }), "of a reader");
  expect_clean_stop(bus);
  EXPECT_EQ(out.stats().messages, written);
}

/// The same for a poller. It throws in every turn, so the task behind it never ends, and is told
/// of.
TEST(BusOnWorkers, APollerThatThrowsDoesNotEndItsLoop) {
  Throwing throwing;
  std::atomic<std::uint64_t> written{0};
  BusOptions options = on_workers();
  options.stop_ms = 500;
  Bus bus(options);
  auto out = bus.publish({.session = "ON", .to = kGroup, .flush_us = 0, .lcore = 1});
  auto in = bus.subscribe({.from = "239.1.1.2:2", .backlog = 8, .lcore = 1});
  bus.lcore(1).add(throwing);
  bus.spawn(out, [&] { return write_on(out, written); });
  bus.spawn(in, [in]() mutable -> Task<> { (void)co_await in.ready(); });
  bus.start();
  EXPECT_TRUE(within_10_s([&] { return written > 10; }));
  throwing.is_wanted = true;
  rte_delay_us_sleep(1'000);
  const std::uint64_t before = written;
  EXPECT_TRUE(within_10_s([&] { return written > before + 10; }));
  EXPECT_EQ(refusal_of([&] { bus.stop(); }), "of a poller");
  EXPECT_THAT(bus.report().notes,
              testing::ElementsAre(HasSubstr("tasks on lcore 1 had not ended")));
  EXPECT_EQ(out.stats().messages, written);
  EXPECT_TRUE(bus.report().is_full());
}

}  // namespace
}  // namespace bab
