#include <bab/port/loopback.hpp>

#include <algorithm>
#include <array>
#include <memory>
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

PortOptions on(const Loopback& loopback, std::uint16_t queues = 1) {
  PortOptions o;
  o.id = loopback.port_id();
  o.rx_queues = o.tx_queues = queues;
  return o;
}

TEST(Loopback, ReceivesTheVeryMbufThatWasSent) {
  FullPool pool(receiving_pool(4));
  Loopback loopback;
  Port port(on(loopback), pool);
  port.start();
  std::vector<rte_mbuf*> sent = frames_of(pool, {60, 61, 62});
  ASSERT_EQ(port.tx(0).send(sent), 3U);
  EXPECT_EQ(loopback.queued(), 3U);
  std::array<rte_mbuf*, 8> got;
  ASSERT_EQ(port.rx(0).receive(got), 3U);
  EXPECT_TRUE(std::equal(sent.begin(), sent.end(), got.begin()));
  EXPECT_EQ(loopback.queued(), 0U);
  BufferPool::release(sent);
}

TEST(Loopback, QueueLeadsToTheSameQueueAndNoOther) {
  FullPool pool(receiving_pool(4));
  Loopback loopback(3);
  Port port(on(loopback, 3), pool);
  port.start();
  for (unsigned q = 0; q < 3; ++q) {
    std::vector<rte_mbuf*> sent = frames_of(pool, {60});
    ASSERT_EQ(port.tx(q).send(sent), 1U);
    std::array<rte_mbuf*, 2> got;
    for (unsigned other = 0; other < 3; ++other)
      EXPECT_EQ(port.rx(other).receive(got), other == q ? 1U : 0U);
    BufferPool::release(sent);
  }
}

TEST(Loopback, HoldsTheFramesAskedForAndThenTakesNoMore) {
  FullPool pool(receiving_pool(8));
  Loopback loopback(1, 4);
  Port port(on(loopback), pool);
  port.start();
  std::vector<rte_mbuf*> sent = frames_of(pool, {60, 60, 60, 60, 60, 60});
  EXPECT_EQ(port.tx(0).send(sent), 4U);
  EXPECT_EQ(port.tx(0).send(std::span(sent).subspan(4)), 0U);
  EXPECT_EQ(loopback.queued(), 4U);
  BufferPool::release(std::span<rte_mbuf* const>(sent).subspan(4));
  EXPECT_EQ(port.drain(), 4U);
}

TEST(Loopback, CountsTheFramesOfAllQueues) {
  FullPool pool(receiving_pool(8));
  Loopback loopback(2);
  Port port(on(loopback, 2), pool);
  port.start();
  std::vector<rte_mbuf*> one = frames_of(pool, {60, 60}), two = frames_of(pool, {60});
  ASSERT_EQ(port.tx(0).send(one), 2U);
  ASSERT_EQ(port.tx(1).send(two), 1U);
  EXPECT_EQ(loopback.queued(), 3U);
  EXPECT_EQ(port.drain(), 3U);
  EXPECT_EQ(loopback.queued(), 0U);
}

TEST(Loopback, SeveralAreApart) {
  FullPool pool(receiving_pool(4));
  Loopback first, second;
  EXPECT_NE(first.port_id(), second.port_id());
  Port one(on(first), pool), two(on(second), pool);
  one.start();
  two.start();
  std::vector<rte_mbuf*> sent = frames_of(pool, {60});
  ASSERT_EQ(one.tx(0).send(sent), 1U);
  EXPECT_EQ(two.drain(), 0U);
  EXPECT_EQ(one.drain(), 1U);
}

TEST(Loopback, PortIsThereAsLongAsItIs) {
  std::uint16_t id;
  {
    const Loopback loopback;
    id = loopback.port_id();
    EXPECT_TRUE(rte_eth_dev_is_valid_port(id));
  }
  EXPECT_FALSE(rte_eth_dev_is_valid_port(id));
}

TEST(Loopback, CanBeMadeManyTimes) {
  FullPool pool(receiving_pool(2));
  for (int i = 0; i < 2 * RTE_MAX_ETHPORTS; ++i) {
    Loopback loopback;
    Port port(on(loopback), pool);
    port.start();
  }
}

TEST(Loopback, RefusesMoreQueuesThanTheDriverHas) {
  EXPECT_THROW(Loopback(1000), Error);
  EXPECT_THROW(Loopback(17), Error);
  EXPECT_NO_THROW(Loopback(16));
}

}  // namespace
}  // namespace bab
