#include <bab/port/port_watch.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/loopback.hpp>

#include "driver_events.hpp"
#include "full_pool.hpp"
#include "odd_driver.hpp"
#include "test_port.hpp"

namespace bab {
namespace {

using namespace std::chrono_literals;
using test::frames_of;
using test::FullPool;
using test::receiving_pool;

/// A started loopback port whose link can be set, and its watch, on a virtual clock.
class WatchedPort : public testing::Test {
 protected:
  WatchedPort() : port_({.id = loopback_.port_id()}, pool_), watch_(std::in_place, port_) {
    port_.start();
  }
  ~WatchedPort() override {
    watch_.reset();
    if (port_.started()) port_.drain();
  }

  /// All events after `time` has passed.
  std::vector<PortEvent> events_after(std::chrono::milliseconds time) {
    now_ += time;
    std::vector<PortEvent> all;
    while (const auto event = watch_->poll(now_)) all.push_back(*event);
    return all;
  }
  std::vector<PortChange> changes_after(std::chrono::milliseconds time) {
    std::vector<PortChange> all;
    for (const PortEvent& e : events_after(time)) all.push_back(e.change);
    return all;
  }
  void link(bool up) {
    (void)(up ? rte_eth_dev_set_link_up(port_.id()) : rte_eth_dev_set_link_down(port_.id()));
  }
  void raise(rte_eth_event_type event) { test::raise(port_.name(), event); }
  unsigned send(rte_mbuf* frame) { return port_.tx(0).send(std::span(&frame, 1)); }
  /// Sends one frame and receives it again.
  bool carries() {
    rte_mbuf* frame = test::frame_of(pool_, 60);
    if (send(frame) == 1) return port_.drain() == 1;
    BufferPool::release(frame);
    return false;
  }

  using Changes = std::vector<PortChange>;
  FullPool pool_{receiving_pool(8)};
  Loopback loopback_;
  Port port_;
  std::optional<PortWatch> watch_;
  PortWatch::Clock::time_point now_{};
};

TEST_F(WatchedPort, LinkDownAndUpAreEvents) {
  EXPECT_EQ(changes_after(0ms), Changes{});
  link(false);
  EXPECT_EQ(changes_after(99ms), Changes{}) << "it is looked at every 100 ms";
  const auto down = events_after(1ms);
  ASSERT_EQ(down.size(), 1U);
  EXPECT_EQ(down[0].change, PortChange::kLinkDown);
  EXPECT_EQ(down[0].at, now_);
  EXPECT_TRUE(watch_->link_is_down());
  EXPECT_EQ(changes_after(100ms), Changes{});
  link(true);
  EXPECT_EQ(changes_after(100ms), Changes{PortChange::kLinkUp});
  EXPECT_FALSE(watch_->link_is_down());
  EXPECT_EQ(watch_->link_changes(), 2U);
  EXPECT_EQ(watch_->last_link_change()->change, PortChange::kLinkUp);
}

TEST_F(WatchedPort, NothingIsGivenToADeadLink) {
  EXPECT_EQ(changes_after(0ms), Changes{});
  EXPECT_TRUE(carries());
  link(false);
  EXPECT_EQ(changes_after(100ms), Changes{PortChange::kLinkDown});
  EXPECT_FALSE(carries());
  EXPECT_EQ(port_.tx(0).counters().frames, 1U);
  EXPECT_EQ(port_.drops().total(DropUnit::kFrame), 0U) << "it is back-pressure";
  link(true);
  EXPECT_EQ(changes_after(100ms), Changes{PortChange::kLinkUp});
  EXPECT_TRUE(carries());
}

TEST_F(WatchedPort, FramesWaitForTheLinkOrAreDroppedAndCountedOnce) {
  const wire::FrameHeader header({});
  FrameRing ring(pool_.size());
  WriteFlusher flusher(port_.tx(0), header);
  flusher.add(ring);
  LocalWriter writer(pool_, ring, {.payload_capacity = 1000, .header_size = header.size()});
  const auto write = [&] {
    auto room = writer.reserve(10);
    room.commit();
    writer.flush();
    return flusher.poll();
  };
  EXPECT_EQ(changes_after(0ms), Changes{});
  link(false);
  EXPECT_EQ(changes_after(100ms), Changes{PortChange::kLinkDown});
  write();
  write();
  EXPECT_EQ(flusher.stats().frames, 0U);
  link(true);
  EXPECT_EQ(changes_after(100ms), Changes{PortChange::kLinkUp});
  flusher.poll();
  EXPECT_EQ(flusher.stats().frames, 2U);
  link(false);
  EXPECT_EQ(changes_after(100ms), Changes{PortChange::kLinkDown});
  write();
  EXPECT_EQ(flusher.drop_pending(), 1U);
  EXPECT_EQ(flusher.drops()[Drop::kTxFull], 1U);
  EXPECT_EQ(flusher.drops().total(DropUnit::kFrame) + port_.drops().total(DropUnit::kFrame), 1U);
  EXPECT_EQ(flusher.stats().frames, 2U);
}

TEST_F(WatchedPort, AnInterruptIsSeenAtOnce) {
  EXPECT_EQ(changes_after(0ms), Changes{});
  link(false);
  raise(RTE_ETH_EVENT_INTR_LSC);
  EXPECT_EQ(changes_after(1ms), Changes{PortChange::kLinkDown});
  link(true);
  raise(RTE_ETH_EVENT_INTR_LSC);
  EXPECT_EQ(changes_after(1ms), Changes{PortChange::kLinkUp});
  raise(RTE_ETH_EVENT_INTR_LSC);
  EXPECT_EQ(changes_after(1ms), Changes{}) << "some drivers raise it for other reasons";
}

TEST_F(WatchedPort, ALinkThatWasDownForAMomentIsSeen) {
  EXPECT_EQ(changes_after(0ms), Changes{});
  link(false);
  raise(RTE_ETH_EVENT_INTR_LSC);
  link(true);
  raise(RTE_ETH_EVENT_INTR_LSC);
  EXPECT_EQ(changes_after(1ms), (Changes{PortChange::kLinkDown, PortChange::kLinkUp}));
  EXPECT_EQ(watch_->link_changes(), 2U);
  EXPECT_TRUE(carries());
}

TEST_F(WatchedPort, SaysHowManyFramesMayNotHaveGone) {
  EXPECT_TRUE(carries());
  EXPECT_EQ(changes_after(0ms), Changes{});
  EXPECT_TRUE(carries());
  EXPECT_TRUE(carries());
  link(false);
  EXPECT_TRUE(carries()) << "nobody knows yet";
  const auto down = events_after(100ms);
  ASSERT_EQ(down.size(), 1U);
  EXPECT_EQ(down[0].doubtful_frames, 3U);
}

// The watching thread may lose the CPU between its look at the link and its count of the frames.
TEST_F(WatchedPort, FramesThatGoWhileItLooksMayNotHaveGone) {
  bool up = true;
  test::OddDriver driver(port_.id());
  driver.link = [&] {
    EXPECT_TRUE(carries());
    return up;
  };
  EXPECT_EQ(changes_after(0ms), Changes{});
  up = false;
  const auto down = events_after(100ms);
  ASSERT_EQ(down.size(), 1U);
  EXPECT_EQ(down[0].doubtful_frames, 2U);
}

TEST_F(WatchedPort, CountersThatBeginAnewAreNoMatter) {
  EXPECT_TRUE(carries());
  EXPECT_TRUE(carries());
  EXPECT_EQ(changes_after(0ms), Changes{});
  port_.clear_stats();
  EXPECT_TRUE(carries());
  link(false);
  const auto down = events_after(100ms);
  ASSERT_EQ(down.size(), 1U);
  EXPECT_EQ(down[0].doubtful_frames, 1U);
}

TEST_F(WatchedPort, AStoppedPortHasNoLink) {
  EXPECT_EQ(changes_after(0ms), Changes{});
  port_.stop();
  EXPECT_EQ(changes_after(100ms), Changes{}) << "it was stopped by its owner";
  port_.start();
  EXPECT_EQ(changes_after(0ms), Changes{});
  link(false);
  EXPECT_EQ(changes_after(100ms), Changes{PortChange::kLinkDown});
  port_.stop();
  port_.start();  // start() waits for the link
  EXPECT_EQ(changes_after(0ms), Changes{PortChange::kLinkUp});
  EXPECT_TRUE(carries());
}

// Events that no NIC of the test machines raises by itself.

TEST_F(WatchedPort, ComesBackFromAReset) {
  EXPECT_EQ(changes_after(0ms), Changes{});
  TxQueue& tx = port_.tx(0);
  RxQueue& rx = port_.rx(0);
  EXPECT_TRUE(carries());
  raise(RTE_ETH_EVENT_INTR_RESET);
  EXPECT_EQ(changes_after(1ms), Changes{PortChange::kResetWanted});
  EXPECT_EQ(changes_after(1ms), Changes{}) << "it is said once";
  port_.reset();
  EXPECT_FALSE(port_.started());
  port_.start();
  EXPECT_EQ(&tx, &port_.tx(0));
  EXPECT_EQ(&rx, &port_.rx(0));
  EXPECT_TRUE(carries());
  EXPECT_EQ(tx.counters().frames, 2U) << "counters go on";
  EXPECT_EQ(changes_after(100ms), Changes{});
  raise(RTE_ETH_EVENT_INTR_RESET);
  EXPECT_EQ(changes_after(1ms), Changes{PortChange::kResetWanted}) << "and again";
}

TEST_F(WatchedPort, IsRemovedByItsDriversWord) {
  EXPECT_EQ(changes_after(0ms), Changes{});
  raise(RTE_ETH_EVENT_INTR_RMV);
  EXPECT_EQ(changes_after(1ms), Changes{PortChange::kRemoved});
  EXPECT_TRUE(watch_->removed());
  EXPECT_FALSE(carries()) << "there is nothing to carry it";
  link(false);
  raise(RTE_ETH_EVENT_INTR_RESET);
  EXPECT_EQ(changes_after(100ms), Changes{}) << "nothing follows";
  port_.stop();
}

TEST(PortWatch, IsToldOfRemovalByTheBus) {
  FullPool pool(receiving_pool(8));
  const test::Vdev device("net_null1");
  Port port({.id = device.id()}, pool);
  port.start();
  PortWatch watch(port);
  const PortWatch::Clock::time_point now{};
  test::raise("net_null2", RTE_DEV_EVENT_REMOVE);
  EXPECT_FALSE(watch.poll(now)) << "another device";
  test::raise("net_null1", RTE_DEV_EVENT_ADD);
  EXPECT_FALSE(watch.poll(now));
  test::raise("net_null1", RTE_DEV_EVENT_REMOVE);
  const auto event = watch.poll(now);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->change, PortChange::kRemoved);
  EXPECT_FALSE(watch.poll(now));
}

TEST_F(WatchedPort, IsNoLongerWatchedAfterItsWatch) {
  watch_.reset();
  raise(RTE_ETH_EVENT_INTR_LSC);  // no callback may be left; AddressSanitizer would report its call
  raise(RTE_ETH_EVENT_INTR_RMV);
  test::raise(port_.name(), RTE_DEV_EVENT_REMOVE);
  EXPECT_TRUE(carries());
}

TEST(PortWatch, NamesEveryChange) {
  EXPECT_EQ(port_change_name(PortChange::kLinkDown), "link down");
  EXPECT_EQ(port_change_name(PortChange::kLinkUp), "link up");
  EXPECT_EQ(port_change_name(PortChange::kResetWanted), "reset wanted");
  EXPECT_EQ(port_change_name(PortChange::kRemoved), "removed");
}

}  // namespace
}  // namespace bab
