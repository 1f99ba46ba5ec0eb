// A Bus on worker lcores: where pollers and tasks run, and that all of them end.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_launch.h>

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

constexpr std::uint32_t kEach = 2'000;

struct Numbered {
  std::uint32_t writer, number;
};

/// Writes kEach numbered messages. Adds 1 to `sent` when all are sent.
template <class Out>
Task<> write_numbered(Out& out, std::uint32_t writer, std::atomic<unsigned>& sent) {
  for (std::uint32_t i = 0; i < kEach; ++i) {
    auto room = co_await out.reserve_wait(sizeof(Numbered));
    if (!room) co_return;
    const Numbered message{writer, i};
    std::memcpy(room.data(), &message, sizeof message);
    room.commit();
  }
  const Flushed flushed = co_await out.flush_wait();
  if (flushed == Flushed::kSent) sent.fetch_add(1);
}

/// Counts the messages that come in the order of their writer.
Task<> read_numbered(Subscription in, std::array<std::uint32_t, 2>& next,
                     std::atomic<std::uint32_t>& good) {
  while (true) {
    const Outcome outcome = co_await in.ready();
    if (outcome != Outcome::kDone) co_return;
    while (const Incoming got = in.next()) {
      Numbered m{};
      std::memcpy(&m, got.data(), std::min<std::size_t>(got.size(), sizeof m));
      if (m.writer < next.size() && m.number == next.at(m.writer)) {
        ++next.at(m.writer);
        good.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }
}

TEST(BusOnWorkers, OneWritesAndAnotherReads) {
  Bus bus(on_workers());
  auto out = bus.publish({.session = "WORKERS", .to = kGroup, .lcore = RunOn::kWorker});
  auto in = bus.subscribe({.from = kGroup, .lcore = RunOn::kWorker});
  EXPECT_NE(out.lcore(), in.lcore());
  std::atomic<unsigned> sent{0};
  std::atomic<std::uint32_t> good{0};
  std::array<std::uint32_t, 2> next{};
  bus.spawn(out, [&] { return write_numbered(out, 0, sent); });
  bus.spawn(in, [&] { return read_numbered(in, next, good); });
  bus.start();
  EXPECT_TRUE(within_10_s([&] { return good == kEach && sent == 1; })) << good;
  expect_clean_stop(bus);
  EXPECT_EQ(sent, 1U);
  EXPECT_EQ(out.stats().messages, kEach);
  EXPECT_EQ(in.stats().messages, kEach);
}

TEST(BusOnWorkers, TwoShareAPublication) {
  Bus bus(on_workers());
  const std::array<unsigned, 2> lcores{1, 2};
  auto outs = bus.publish({.session = "SHARED", .to = kGroup, .flusher_lcore = 3}, lcores);
  ASSERT_EQ(outs.size(), 2U);
  EXPECT_EQ(outs[0].lcore(), 1U);
  EXPECT_EQ(outs[1].lcore(), 2U);
  // The flusher's lcore polls the port. The thread that turns the bus by hand reads.
  auto in = bus.subscribe({.from = kGroup, .rx_lcore = 3});
  std::atomic<unsigned> sent{0};
  std::atomic<std::uint32_t> good{0};
  std::array<std::uint32_t, 2> next{};
  for (std::uint32_t i = 0; i < 2; ++i)
    bus.spawn(outs[i], [&, i] { return write_numbered(outs[i], i, sent); });
  bus.spawn(in, [&] { return read_numbered(in, next, good); });
  bus.start();
  EXPECT_TRUE(within_10_s([&] {
    bus.turn(rte_rdtsc());
    return good == 2 * kEach && sent == 2;
  })) << good;
  expect_clean_stop(bus);
  EXPECT_EQ(sent, 2U);
  EXPECT_EQ(outs[0].stats().messages, 2 * kEach);
}

TEST(BusOnWorkers, SaysWhatRunsWhereAndWhy) {
  BusOptions options = on_workers();
  options.lcores = {3, 1};
  options.ports[0].tx_queues = 2;
  Bus bus(options);
  const auto here = bus.publish({.session = "HERE", .to = kGroup});
  const auto first = bus.publish({.session = "FIRST", .to = kGroup, .lcore = RunOn::kWorker});
  const auto in = bus.subscribe({.from = kGroup, .lcore = RunOn::kWorker});
  EXPECT_EQ(here.lcore(), RunOn::kHere);
  EXPECT_EQ(first.lcore(), 1U);
  EXPECT_EQ(in.lcore(), 3U);
  const Placement placement = bus.placement();
  ASSERT_EQ(placement.rows.size(), 6U);
  EXPECT_TRUE(placement.rows[0].by_hand);
  EXPECT_EQ(placement.rows[0].lcore, rte_lcore_id());
  EXPECT_EQ(placement.rows[0].what, "writer of session HERE to 239.1.1.1:30001, port 0");
  EXPECT_EQ(placement.rows[0].why, "asked for");
  EXPECT_EQ(placement.rows[1].what,
            "flusher of session HERE to 239.1.1.1:30001, port 0, TX queue 0");
  EXPECT_EQ(placement.rows[1].why, "with its writer");
  EXPECT_EQ(placement.rows[2].lcore, 1U);
  EXPECT_EQ(placement.rows[2].why, "fewest pollers (0) of lcores 1, 3");
  EXPECT_THAT(placement.rows[3].what, HasSubstr("TX queue 1"));
  EXPECT_EQ(placement.rows[4].what, "RX poller of port 0, which has 2 queues");
  EXPECT_EQ(placement.rows[4].why, "with the port's first subscription");
  EXPECT_EQ(placement.rows[5].lcore, 3U);
  EXPECT_EQ(placement.rows[5].what, "reader of 239.1.1.1:30001, port 0");
  EXPECT_THAT(placement.text(),
              HasSubstr("lcore 3: reader of 239.1.1.1:30001, port 0 (fewest pollers (0) of "
                        "lcores 1, 3)\n"));
}

/// A reader needs its lcore as a poller does, and what one call places counts in that call.
TEST(BusOnWorkers, AreSpreadOverLcores) {
  {
    Bus bus(on_workers());
    std::vector<unsigned> readers;
    for (unsigned i = 1; i <= 4; ++i)
      readers.push_back(bus.subscribe({.from = "239.1.1." + std::to_string(i) + ":1",
                                       .backlog = 8,
                                       .lcore = RunOn::kWorker,
                                       .rx_lcore = RunOn::kHere})
                            .lcore());
    EXPECT_THAT(readers, testing::ElementsAre(1, 2, 3, 1));
  }
  Bus bus(on_workers());
  const std::array<unsigned, 2> workers{RunOn::kWorker, RunOn::kWorker};
  const auto outs =
      bus.publish({.session = "SHARED", .to = kGroup, .flusher_lcore = RunOn::kWorker}, workers);
  EXPECT_EQ(outs[0].lcore(), 1U);
  EXPECT_EQ(outs[1].lcore(), 2U);
  EXPECT_EQ(bus.placement().rows.back().lcore, 3U);
}

TEST(BusOnWorkers, TwoBusesHaveLcoresOfTheirOwn) {
  Bus first(on_workers());
  auto first_out = first.publish({.session = "FIRST", .to = kGroup, .lcore = RunOn::kWorker});
  auto first_in = first.subscribe({.from = kGroup, .lcore = RunOn::kWorker});
  Bus second(on_workers());
  auto second_out = second.publish({.session = "SECOND", .to = kGroup, .lcore = RunOn::kWorker});
  auto second_in = second.subscribe({.from = kGroup});
  EXPECT_EQ((std::set{first_out.lcore(), first_in.lcore(), second_out.lcore()}).size(), 3U);
  EXPECT_THAT(
      refusal_of([&] {
        (void)second.publish({.session = "OTHERS", .to = kGroup, .lcore = first_in.lcore()});
      }),
      HasSubstr("is another Bus's of this process"));
  EXPECT_THAT(refusal_of([&] { Bus third({.ports = {{.device = "loopback"}}, .lcores = {1}}); }),
              HasSubstr("BusOptions::lcores names 1, which another Bus of this process has"));
  std::atomic<unsigned> sent{0};
  std::array<std::atomic<std::uint32_t>, 2> good{};
  std::array<std::array<std::uint32_t, 2>, 2> next{};
  first.spawn(first_out, [&] { return write_numbered(first_out, 0, sent); });
  first.spawn(first_in, [&] { return read_numbered(first_in, next[0], good[0]); });
  second.spawn(second_out, [&] { return write_numbered(second_out, 0, sent); });
  second.spawn(second_in, [&] { return read_numbered(second_in, next[1], good[1]); });
  first.start();
  second.start();
  EXPECT_TRUE(within_10_s([&] {
    second.turn(rte_rdtsc());
    return good[0] == kEach && good[1] == kEach;
  })) << good[0]
      << ' ' << good[1];
  expect_clean_stop(first);
  expect_clean_stop(second);
}

/// One Bus stops. The other one's lcores carry messages meanwhile.
TEST(BusOnWorkers, OneStopsAndAnotherGoesOn) {
  Bus first(on_workers());
  (void)first.subscribe({.from = kGroup, .lcore = 1});
  Bus second(on_workers());
  auto out = second.publish({.session = "ON", .to = kGroup, .flush_messages = 1, .lcore = 2});
  auto in = second.subscribe({.from = kGroup, .lcore = 3});
  std::atomic<std::uint64_t> read{0};
  second.spawn(out, [&]() -> Task<> {
    while (true) {
      auto room = co_await out.reserve_wait(1);
      if (!room) co_return;
      *room.data() = 'x';
      room.commit();
    }
  });
  second.spawn(in, [&]() -> Task<> {
    while (true) {
      const Outcome outcome = co_await in.ready();
      if (outcome != Outcome::kDone) co_return;
      while (in.next()) read.fetch_add(1, std::memory_order_relaxed);
    }
  });
  first.start();
  second.start();
  EXPECT_TRUE(within_10_s([&] { return read > 0; }));
  expect_clean_stop(first);
  const std::uint64_t before = read;
  EXPECT_TRUE(within_10_s([&] { return read > before + 1'000; }));
  EXPECT_FALSE(second.stopping());
  expect_clean_stop(second);
  EXPECT_EQ(second.report().unread_frames, 0U);
}

/// The tasks' lcore never ran, so none of their code ran. Everything that they captured is
/// destroyed.
TEST(BusOnWorkers, TasksThatNeverBeganGoWithTheBus) {
  const auto kept = std::make_shared<int>(7);
  bool ran = false;
  {
    Bus bus(on_workers());
    auto out = bus.publish({.session = "NEVER", .to = kGroup, .lcore = 1});
    auto in = bus.subscribe({.from = kGroup, .lcore = 2});
    const auto task = [&ran, kept]() -> Task<> {
      ran = true;
      co_return;
    };
    bus.spawn(out, task);
    bus.spawn(in, task);
    bus.spawn(in, task);
    const auto before = std::chrono::steady_clock::now();
    const StopReport& report = bus.stop();
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
    EXPECT_THAT(report.notes,
                testing::ElementsAre("1 task of lcore 1 never began: start() was not called",
                                     "2 tasks of lcore 2 never began: start() was not called"));
    EXPECT_TRUE(report.is_full());
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(kept.use_count(), 1);
}

TEST(BusOnWorkers, LcoresAreFreeAgainWhenTheBusIsGone) {
  for (int i = 0; i < 2; ++i) {
    Bus bus(on_workers());
    const auto in = bus.subscribe({.from = kGroup, .lcore = 2});
    EXPECT_EQ(in.lcore(), 2U);
    bus.start();
  }
}

TEST(BusOnWorkers, RunningOnesAreLeftAlone) {
  Bus bus(on_workers());
  const auto in = bus.subscribe({.from = kGroup, .backlog = 8, .lcore = 1});
  const auto idle = []() -> Task<> { co_return; };
  bus.start();
  EXPECT_EQ(refusal_of([&] { bus.start(); }), "starting a Bus: its lcores run already");
  EXPECT_THAT(refusal_of([&] { (void)bus.publish({.session = "LATE", .to = kGroup, .lcore = 1}); }),
              HasSubstr("lcore 1 runs already; do it before start()"));
  EXPECT_THAT(refusal_of([&] { (void)bus.subscribe({.from = "239.1.1.2:1", .backlog = 8}); }),
              HasSubstr("lcore 1 runs already; do it before start()"));
  EXPECT_THAT(refusal_of([&] { bus.spawn(in, idle); }),
              HasSubstr("lcore 1: it runs already; spawn it before start()"));
  // On an lcore that is turned by hand, these calls are allowed.
  auto out = bus.publish({.session = "LATE", .to = kGroup});
  bus.spawn(out, idle);
  EXPECT_TRUE(out.send("late"));
  expect_clean_stop(bus);
  EXPECT_THAT(refusal_of([&] { (void)bus.publish({.session = "LATER", .to = kGroup}); }),
              HasSubstr("the bus was stopped; make another one"));
  EXPECT_THAT(refusal_of([&] { bus.start(); }), HasSubstr("make another one"));
  EXPECT_THAT(refusal_of([&] { bus.spawn(out, idle); }), HasSubstr("make another one"));
}

/// Nothing would ever run there.
TEST(BusOnWorkers, OnesThatWereNotStartedAreRefused) {
  BusOptions options = on_workers();
  options.ports[0].tx_queues = 2;
  Bus bus(options);
  // Polled by hand, and read on an lcore that has no task.
  const auto in =
      bus.subscribe({.from = kGroup, .backlog = 8, .lcore = 3, .rx_lcore = RunOn::kHere});
  bus.start();
  const std::size_t rows = bus.placement().rows.size();
  EXPECT_THAT(refusal_of([&] { (void)bus.publish({.session = "LATE", .to = kGroup, .lcore = 2}); }),
              HasSubstr("start() did not start lcore 2; do it before start()"));
  EXPECT_THAT(refusal_of([&] {
                (void)bus.subscribe({.from = "239.1.1.2:1", .backlog = 8, .lcore = RunOn::kWorker});
              }),
              HasSubstr("start() did not start lcore 1; do it before start()"));
  EXPECT_THAT(refusal_of([&] { bus.spawn(in, []() -> Task<> { co_return; }); }),
              HasSubstr("lcore 3: it runs already; spawn it before start()"));
  EXPECT_THAT(refusal_of([&] { bus.lcore(2); }), HasSubstr("this Bus has nothing there"));
  EXPECT_EQ(bus.placement().rows.size(), rows);
  expect_clean_stop(bus);
}

TEST(BusOnWorkers, ABusyLcoreIsNamed) {
  Bus bus(on_workers());
  const auto on_1 = bus.subscribe({.from = kGroup, .backlog = 8, .lcore = 1});
  const auto on_2 = bus.subscribe({.from = "239.1.1.2:1", .backlog = 8, .lcore = 2});
  std::atomic<unsigned> ran{0};
  const auto task = [&ran]() -> Task<> {
    ran.fetch_add(1);
    co_return;
  };
  bus.spawn(on_1, task);
  bus.spawn(on_2, task);
  std::atomic<bool> over{false};
  auto work = [&] {
    while (!over) rte_pause();
  };
  test::start_on(2, work);
  EXPECT_THAT(refusal_of([&] { bus.start(); }), HasSubstr("lcore 2 is busy with something else"));
  over = true;
  test::wait_for(2, work);
  EXPECT_EQ(ran, 0U);  // none runs where not all can
  EXPECT_EQ(refusal_of([&] { bus.start(); }), "");
  EXPECT_TRUE(within_10_s([&] { return ran == 2; }));
  expect_clean_stop(bus);
}

TEST(BusOnWorkers, AnExceptionThereComesFromStop) {
  Bus bus(on_workers());
  auto out = bus.publish({.session = "THROWS", .to = kGroup, .lcore = 1});
  bus.spawn(out, []() -> Task<> {
    throw Error("on lcore 1");
    co_return;
  });
  bus.start();
  EXPECT_EQ(refusal_of([&] { bus.stop(); }), "on lcore 1");
  EXPECT_TRUE(bus.report().is_full());
}

/// The program's own pollers run beside the bus's.
struct Counting {
  std::atomic<std::uint64_t> polls{0};
  unsigned poll(std::uint64_t) noexcept {
    polls.fetch_add(1);
    return 0;
  }
};

TEST(BusOnWorkers, HavePollersOfTheProgramsOwn) {
  Counting counting;
  Bus bus(on_workers());
  EXPECT_THAT(refusal_of([&] { bus.lcore(3); }), HasSubstr("this Bus has nothing there"));
  (void)bus.subscribe({.from = kGroup, .lcore = 3});
  bus.lcore(3).add(counting);
  bus.start();
  EXPECT_TRUE(within_10_s([&] { return counting.polls > 10; }));
  expect_clean_stop(bus);
}

/// A subscription's lcore runs, also where the bus itself polls nothing there.
TEST(BusOnWorkers, HavePollersWhereASubscriptionIsOnlyRead) {
  Counting counting;
  Bus bus(on_workers());
  (void)bus.subscribe({.from = kGroup, .lcore = 3, .rx_lcore = RunOn::kHere});
  bus.lcore(3).add(counting);
  bus.start();
  EXPECT_TRUE(within_10_s([&] { return counting.polls > 10; }));
  expect_clean_stop(bus);
}

TEST(BusOnWorkers, AreNotWhereTheBusIsStopped) {
  Bus bus(on_workers());
  auto in = bus.subscribe({.from = kGroup, .lcore = 1});
  std::string on_worker, on_thread;
  std::atomic<bool> over{false};
  bus.spawn(in, [&]() -> Task<> {
    on_worker = refusal_of([&] { bus.stop(); });
    bus.begin_stop();
    over = true;
    co_return;
  });
  std::thread([&] { on_thread = refusal_of([&] { bus.stop(); }); }).join();
  EXPECT_THAT(on_thread, HasSubstr("on another thread than the one that made it"));
  EXPECT_FALSE(bus.stopping());
  bus.start();
  EXPECT_TRUE(within_10_s([&] { return over.load(); }));
  EXPECT_THAT(on_worker, HasSubstr("call begin_stop()"));
  EXPECT_TRUE(bus.stopping());
  const std::uint64_t deadline = rte_get_tsc_cycles() + 10 * rte_get_tsc_hz();
  bus.run_until([&] { return rte_get_tsc_cycles() > deadline; });  // begin_stop() ends it
  expect_clean_stop(bus);
}

}  // namespace
}  // namespace bab
