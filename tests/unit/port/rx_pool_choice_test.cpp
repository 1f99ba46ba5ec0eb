// A Port with an RxPoolMaker: receive buffers that suit the driver, and how many the driver holds.
#include <array>
#include <bit>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/port.hpp>

#include "full_pool.hpp"
#include "odd_port.hpp"
#include "test_port.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::OddDriver;
using test::receiving_pool;
using test::Vdev;
using testing::AllOf;
using testing::HasSubstr;

using RxPoolChoice = test::OddPort;
using test::kDescriptors;

TEST_F(RxPoolChoice, TakesThePowerOfTwoWhereTheDriverRoundsDownToOne) {
  driver.uses = std::bit_floor<std::uint32_t>;
  make(9000);
  ASSERT_EQ(asked.size(), 1U) << "pools are made once";
  EXPECT_EQ(asked[0].data_room, 128 + 16'384);
  port->start();
  EXPECT_EQ(port->rx_buffers().split, FrameSplit::kWhole);
  EXPECT_EQ(port->rx_buffers().bytes, 16'384U);
  EXPECT_EQ(port->rx_buffers().frame, 9022U);
  EXPECT_FALSE(driver.may_split());
}

TEST_F(RxPoolChoice, TakesTheNextKibWhereTheDriverRoundsToThatOrLess) {
  for (const std::uint32_t step : {1024U, 128U, 1U}) {
    asked.clear();
    port.reset();
    const Vdev other("net_null8");
    OddDriver rounds(other.id());
    rounds.uses = [step](std::uint32_t bytes) { return bytes / step * step; };
    PortOptions o = options(9000);
    o.id = other.id();
    Port it(o, maker());
    EXPECT_EQ(asked.at(0).data_room, 128 + 9216) << step;
    EXPECT_EQ(rounds.starts(), 1U);
    it.start();
    EXPECT_EQ(it.rx_buffers().split, FrameSplit::kWhole);
  }
}

TEST_F(RxPoolChoice, IsContentWithThePowerOfTwoOfADriverThatAlwaysSaysScattered) {
  driver.always_scattered = true;
  make(9000).start();
  EXPECT_EQ(asked.at(0).data_room, 128 + 16'384);
  EXPECT_EQ(port->rx_buffers().split, FrameSplit::kWhole);
}

TEST_F(RxPoolChoice, BelievesADriverThatTellsItsBytes) {
  driver.always_scattered = driver.tells_bytes = true;
  driver.uses = [](std::uint32_t bytes) { return bytes - 150; };
  make(9000).start();
  EXPECT_EQ(asked.at(0).data_room, 128 + 9216);
  EXPECT_EQ(port->rx_buffers().driver_bytes, 9216U - 150);
  EXPECT_EQ(port->rx_buffers().split, FrameSplit::kWhole);
}

TEST_F(RxPoolChoice, TriesMoreWhereTheDriverRefusesASize) {
  driver.wants_more = 500;
  make(9000);
  EXPECT_EQ(asked.at(0).data_room, 128 + 10'240);
  EXPECT_FALSE(driver.may_split());
}

TEST_F(RxPoolChoice, StartsNoSoftwareDeviceForATry) {
  driver.is_nic = driver.tells = false;
  make(9000);
  EXPECT_EQ(driver.starts(), 0U) << "a file would be read, a peer would connect";
  EXPECT_EQ(asked.at(0).data_room, 128 + 9216);
  EXPECT_EQ(asked.at(0).held, kDescriptors);
  port->start();
  EXPECT_EQ(port->rx_buffers().split, FrameSplit::kUnknown);
}

TEST_F(RxPoolChoice, KeepsTheSizeThatIsAskedFor) {
  PortOptions o = options(9000);
  o.rx_data_room = 2176;
  port.emplace(o, maker());
  EXPECT_EQ(asked.at(0).data_room, 2176);
  EXPECT_TRUE(driver.may_split()) << "the device must be told";
  port->start();
  EXPECT_EQ(port->rx_buffers().split, FrameSplit::kSplit);
}

TEST_F(RxPoolChoice, RefusesASmallSizeWhereTheDriverSplitsNoFrames) {
  driver.offers_scatter = false;
  PortOptions o = options(9000);
  o.rx_data_room = 2176;
  EXPECT_THAT(error_of([&] { port.emplace(o, maker()); }),
              AllOf(HasSubstr("MTU of 9000"), HasSubstr("9150"), HasSubstr("2176")));
  EXPECT_TRUE(asked.empty());
  o.rx_data_room = 9150;  // as the error's mend says
  EXPECT_EQ(error_of([&] { port.emplace(o, maker()); }), "");
}

TEST_F(RxPoolChoice, LetsADriverSplitThatWantsALittleMoreThanTheSizeAskedFor) {
  driver.wants_more = 12;
  PortOptions o = options(9000);
  o.rx_data_room = 9150;
  port.emplace(o, maker());
  EXPECT_TRUE(driver.may_split());
}

TEST_F(RxPoolChoice, SaysWhatTheDriverSaysWhenItRefuses) {
  driver.refuses = "the moon is not full";
  EXPECT_THAT(error_of([&] { make(1500); }),
              AllOf(HasSubstr("setting up RX queue 0 of 32 descriptors"),
                    HasSubstr("its driver says: the moon is not full")));
}

// The number of buffers.

TEST_F(RxPoolChoice, MeasuresHowManyTheDriverHolds) {
  driver.rings = 2;
  make(1500);
  EXPECT_EQ(asked.at(0).held, 2U * kDescriptors);
  port->start();
  EXPECT_EQ(port->rx_buffers().held, 2U * kDescriptors);
  EXPECT_EQ(port->rx_pool().available(), 80U);
}

TEST_F(RxPoolChoice, FindsTheEndOfADriverThatTakesAllItCanGet) {
  driver.rings = 40;
  make(1500);
  EXPECT_EQ(asked.at(0).held, 40U * kDescriptors);
}

TEST_F(RxPoolChoice, DoesNotStartWhereTooFewWouldBeLeft) {
  driver.rings = 2;
  FullPool few(receiving_pool(2 * kDescriptors + 20));
  port.emplace(options(1500), few);
  std::uint32_t needed = 0;
  try {
    port->start();
    FAIL() << "nothing would ever be received";
  } catch (const TooFewBuffers& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("holds 64 buffers"),
                                HasSubstr("pool " + few.name() + " of 84 has 20 left"),
                                HasSubstr("128 buffers or more")));
    needed = e.needed();
  }
  EXPECT_FALSE(port->started());
  EXPECT_EQ(few.available(), few.size());
  FullPool enough(receiving_pool(needed));  // as the error's mend says
  port->reconfigure(1500, enough);
  port->start();
  EXPECT_TRUE(port->started());
  port.reset();
}

TEST_F(RxPoolChoice, KeepsAPoolWhoseBuffersTheDriverKeepsOverAStop) {
  driver.rings = 1;
  driver.keeps_them = true;
  make(1500).start();
  EXPECT_EQ(port->rx_buffers().held, kDescriptors) << "though this start took none";
  port->stop();
  const unsigned starts = driver.starts();
  port->reconfigure(9000, maker());
  EXPECT_GT(driver.starts(), starts) << "it is tried again, though pools of tries are still there";
  EXPECT_EQ(asked.at(1).held, kDescriptors);
  EXPECT_TRUE(port->has_smaller_buffers());
  port->start();
  EXPECT_EQ(port->rx_buffers().held, kDescriptors);
  std::uint32_t out = 0;
  for (const auto& pool : port->made_pools()) out += pool->in_use();
  EXPECT_EQ(out, kDescriptors) << "all that it has is in pools that the port tells of";
  // The driver frees its buffers only when the device is closed. Their pools must still exist then.
}

TEST_F(RxPoolChoice, ReconfiguresWithOtherBuffers) {
  driver.uses = std::bit_floor<std::uint32_t>;
  make(1500).start();
  EXPECT_EQ(asked.at(0).data_room, 2176);
  port->stop();
  port->reconfigure(9000, maker());
  EXPECT_EQ(asked.at(1).data_room, 128 + 16'384);
  port->start();
  EXPECT_EQ(port->rx_buffers().split, FrameSplit::kWhole);
  std::array<rte_mbuf*, 1> burst{};
  ASSERT_EQ(port->rx(0).receive(burst), 1U);
  EXPECT_EQ(BufferPool::of(burst[0]), &port->rx_pool());
  BufferPool::release(burst);
}

TEST_F(RxPoolChoice, LeavesThePortAsItWasWhenNoPoolCanBeMade) {
  make(1500);
  BufferPool* const before = &port->rx_pool();
  EXPECT_EQ(error_of([&] {
              port->reconfigure(9000, [](const RxPoolNeeds&) -> std::shared_ptr<BufferPool> {
                throw Error("no memory");
              });
            }),
            "no memory");
  EXPECT_EQ(port->mtu(), 1500U);
  EXPECT_EQ(&port->rx_pool(), before);
  port->start();
  std::array<rte_mbuf*, 1> burst{};
  ASSERT_EQ(port->rx(0).receive(burst), 1U);
  EXPECT_EQ(BufferPool::of(burst[0]), before);
  BufferPool::release(burst);
}

// Counts from before this port.

TEST_F(RxPoolChoice, AnEarlierProcesssCountsAreNotThePorts) {
  driver.others.imissed = 700;
  driver.others.ipackets = 5;
  make(1500).start();
  EXPECT_EQ(port->stats().rx_missed, 0U);
  EXPECT_EQ(port->stats().rx_frames, 0U);
  driver.others.imissed += 3;
  EXPECT_EQ(port->stats().rx_missed, 3U) << "since then they are";
}

TEST_F(RxPoolChoice, WhatIsCountedWhileItIsStoppedIsNotThePorts) {
  make(1500).start();
  driver.others.imissed = 4;
  port->stop();
  EXPECT_EQ(port->stats().rx_missed, 4U);
  driver.others.imissed += 50;
  driver.others.rx_nombuf += 50;
  port->start();
  EXPECT_EQ(port->stats().rx_missed, 4U);
  EXPECT_EQ(port->stats().rx_nombuf, 0U);
  port->stop();
  port->clear_stats();
  port->start();
  EXPECT_EQ(port->stats().rx_missed, 0U);
}

TEST_F(RxPoolChoice, ItsTxQueuesTellHowManyFramesTheyHold) {
  make(1500);
  EXPECT_GT(port->tx_descriptors(), 0U);
  EXPECT_EQ(port->tx(0).capacity(), port->tx_descriptors());
}

TEST_F(RxPoolChoice, FramesThatWaitedInItsQueuesWhenItWasClearedAreCountedApart) {
  make(1500).start();
  driver.others.ipackets = 20;
  driver.others.ibytes = 20 * 64;  // frames that the NIC has and nobody has received yet
  port->clear_stats();
  EXPECT_EQ(port->stats().rx_frames, 0U);
  EXPECT_EQ(port->rx_waited(), 20U);
  std::array<rte_mbuf*, 16> burst{};
  const unsigned n = port->rx(0).receive(burst);
  ASSERT_GT(n, 0U);
  BufferPool::release(std::span(burst).first(n));
  driver.others.ipackets = 20 - n;  // net_null counts frames when they are received
  rte_eth_stats counted{};
  ASSERT_EQ(rte_eth_stats_get(port->id(), &counted), 0);
  // since DPDK 25.11, net_null counts bytes, too
  driver.others.ibytes -= counted.ibytes - driver.others.ibytes;
  EXPECT_EQ(port->stats().rx_frames, 0U) << "they were counted before";
  EXPECT_EQ(port->stats().rx_bytes, 0U);
  port->clear_stats();
  EXPECT_EQ(port->rx_waited(), 20U - n);
  port->stop();  // the waiting frames are lost
  port->start();
  EXPECT_EQ(port->rx_waited(), 20U - n);
  EXPECT_EQ(port->rx_lost(), 20U - n);
  port->clear_stats();
  EXPECT_EQ(port->rx_lost(), 0U);
  EXPECT_EQ(port->rx_waited(), 0U);
  driver.others.ipackets += 3;
  EXPECT_EQ(port->stats().rx_frames, 3U);
  port->clear_stats();
  EXPECT_EQ(port->rx_waited(), 3U);
}

TEST_F(RxPoolChoice, CountsThatBeginAnewWithAStartKnowNothingOfWhatWasTakenBefore) {
  driver.counts_anew = true;
  make(1500).start();
  std::array<rte_mbuf*, 16> burst{};
  const unsigned n = port->rx(0).receive(burst);
  ASSERT_GT(n, 8U);
  BufferPool::release(std::span(burst).first(n));
  EXPECT_EQ(port->stats().rx_frames, n);
  port->stop();
  port->start();
  driver.others.ipackets += 8;  // frames that wait
  EXPECT_EQ(port->stats().rx_frames, 8U);
  port->clear_stats();
  EXPECT_EQ(port->rx_waited(), 8U) << "and not fewer by the ones taken before the start";
}

TEST_F(RxPoolChoice, ARegisterThatStaysWhenItIsReadCountsOnce) {
  driver.register_that_stays = 2;  // from an earlier process
  make(1500).start();
  EXPECT_EQ(port->stats().rx_missed, 0U);
  EXPECT_EQ(port->stats().rx_missed, 0U);
  driver.register_that_stays = 5;
  EXPECT_EQ(port->stats().rx_missed, 3U);
  EXPECT_EQ(port->stats().rx_missed, 3U);
  port->clear_losses();
  EXPECT_EQ(port->stats().rx_missed, 0U);
  driver.register_that_stays = 1;  // somebody cleared the register
  EXPECT_EQ(port->stats().rx_missed, 1U);
  EXPECT_EQ(port->stats().rx_missed, 1U);
}

TEST_F(RxPoolChoice, ARegisterThatStaysIsKnownByTheFirstMissedFrame) {
  make(1500).start();
  driver.register_that_stays = 4;
  EXPECT_EQ(port->stats().rx_missed, 4U);
  EXPECT_EQ(port->stats().rx_missed, 4U);
  (void)port->tx_account();  // reads the register, too
  EXPECT_EQ(port->stats().rx_missed, 4U);
}

TEST_F(RxPoolChoice, LossesCanBeForgiven) {
  make(1500).start();
  driver.others.imissed = driver.others.rx_nombuf = driver.others.ierrors = 9;
  std::array<rte_mbuf*, 3> burst{};
  ASSERT_EQ(port->rx(0).receive(burst), 3U);
  BufferPool::release(burst);
  port->clear_losses();
  const PortStats s = port->stats();
  EXPECT_EQ(s.rx_missed + s.rx_nombuf + s.rx_errors, 0U);
  EXPECT_EQ(s.rx_frames, 3U) << "what was received stays";
}

/// The buffers are taken as drivers take them: only the RX queue marks a buffer as in use.
TEST(RxQueueOfChains, EverySegmentComesBack) {
  FullPool pool(receiving_pool(4));
  const Loopback loopback;
  Port port({.id = loopback.port_id()}, pool);
  port.start();
  rte_mbuf* head = rte_pktmbuf_alloc(pool.mempool());
  rte_mbuf* tail = rte_pktmbuf_alloc(pool.mempool());
  ASSERT_TRUE(head != nullptr && tail != nullptr);
  ASSERT_NE(rte_pktmbuf_append(head, 1000), nullptr);
  ASSERT_NE(rte_pktmbuf_append(tail, 500), nullptr);
  ASSERT_EQ(rte_pktmbuf_chain(head, tail), 0);
  ASSERT_EQ(port.tx(0).send(std::span(&head, 1)), 1U);
  std::array<rte_mbuf*, 4> burst{};
  const unsigned n = port.rx(0).receive(burst);
  ASSERT_EQ(n, 1U);
  BufferPool::release(std::span<rte_mbuf* const>(burst.data(), n));
  EXPECT_EQ(pool.available(), pool.size());
}

}  // namespace
}  // namespace bab
