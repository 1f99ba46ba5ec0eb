#include <bab/port/loopback_pair.hpp>

#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/port/port.hpp>

#include "full_pool.hpp"
#include "test_port.hpp"

namespace bab {
namespace {

using test::frames_of;
using test::FullPool;
using test::receiving_pool;

PortOptions end_of(std::uint16_t id, std::uint16_t queues = 1) {
  PortOptions o;
  o.id = id;
  o.rx_queues = o.tx_queues = queues;
  return o;
}

TEST(LoopbackPair, WhatOneEndSendsTheOtherReceives) {
  FullPool pool(receiving_pool(8));
  LoopbackPair cable;
  Port one(end_of(cable.port_ids()[0]), pool), two(end_of(cable.port_ids()[1]), pool);
  one.start();
  two.start();
  const std::array<Port*, 2> ends{&one, &two};
  for (std::size_t from = 0; from < 2; ++from) {
    const std::size_t to = 1 - from;
    std::vector<rte_mbuf*> sent = frames_of(pool, {60, 61});
    ASSERT_EQ(ends[from]->tx(0).send(sent), 2U);
    EXPECT_EQ(cable.queued(to), 2U);
    EXPECT_EQ(cable.queued(from), 0U);
    std::array<rte_mbuf*, 4> got;
    EXPECT_EQ(ends[from]->rx(0).receive(got), 0U);
    ASSERT_EQ(ends[to]->rx(0).receive(got), 2U);
    EXPECT_TRUE(std::equal(sent.begin(), sent.end(), got.begin())) << "the very same mbufs";
    BufferPool::release(sent);
  }
}

TEST(LoopbackPair, QueueLeadsToTheSameQueue) {
  FullPool pool(receiving_pool(4));
  LoopbackPair cable(2);
  Port one(end_of(cable.port_ids()[0], 2), pool), two(end_of(cable.port_ids()[1], 2), pool);
  one.start();
  two.start();
  std::vector<rte_mbuf*> sent = frames_of(pool, {60});
  ASSERT_EQ(one.tx(1).send(sent), 1U);
  std::array<rte_mbuf*, 2> got;
  EXPECT_EQ(two.rx(0).receive(got), 0U);
  EXPECT_EQ(two.rx(1).receive(got), 1U);
  BufferPool::release(sent);
}

TEST(LoopbackPair, HoldsTheFramesAskedForInEachDirection) {
  FullPool pool(receiving_pool(16));
  LoopbackPair cable(1, 4);
  Port one(end_of(cable.port_ids()[0]), pool), two(end_of(cable.port_ids()[1]), pool);
  one.start();
  two.start();
  for (Port* from : {&one, &two}) {
    std::vector<rte_mbuf*> sent = frames_of(pool, {60, 60, 60, 60, 60});
    EXPECT_EQ(from->tx(0).send(sent), 4U);
    BufferPool::release(sent.back());
  }
  EXPECT_EQ(one.drain(), 4U);
  EXPECT_EQ(two.drain(), 4U);
}

TEST(LoopbackPair, PortsGoWithIt) {
  std::array<std::uint16_t, 2> ids;
  {
    const LoopbackPair cable;
    ids = cable.port_ids();
    EXPECT_NE(ids[0], ids[1]);
    EXPECT_TRUE(rte_eth_dev_is_valid_port(ids[1]));
  }
  EXPECT_FALSE(rte_eth_dev_is_valid_port(ids[0]));
  EXPECT_FALSE(rte_eth_dev_is_valid_port(ids[1]));
}

TEST(LoopbackPair, RefusesMoreQueuesThanTheDriverHas) { EXPECT_THROW(LoopbackPair(17), Error); }

}  // namespace
}  // namespace bab
