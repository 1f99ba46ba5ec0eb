#include <array>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/port.hpp>

#include "full_pool.hpp"
#include "test_port.hpp"

namespace bab {
namespace {

using test::frames_of;
using test::FullPool;
using test::receiving_pool;
using test::Vdev;
using testing::HasSubstr;

PortOptions on_port(std::uint16_t id, std::uint32_t mtu = 1500) {
  PortOptions o;
  o.id = id;
  o.mtu = mtu;
  return o;
}

/// Sends one frame and receives it; the frame's bytes, or 0.
std::uint32_t round_trip(Port& port, BufferPool& pool, std::uint16_t len) {
  std::vector<rte_mbuf*> frames = frames_of(pool, {len});
  if (port.tx(0).send(frames) != 1) {
    BufferPool::release(frames);
    return 0;
  }
  std::array<rte_mbuf*, 4> burst{};
  const unsigned n = port.rx(0).receive(burst);
  const std::uint32_t bytes = n == 1 ? burst[0]->pkt_len : 0;
  BufferPool::release(std::span(burst.data(), n));
  return bytes;
}

TEST(PortReconfigure, CarriesLargerFramesInALargerPool) {
  FullPool small(receiving_pool(4));
  FullPool large(receiving_pool(4, 9300));
  const Loopback loopback;
  Port port(on_port(loopback.port_id()), small);
  port.start();
  EXPECT_EQ(round_trip(port, small, 1000), 1000U);
  port.stop();
  port.reconfigure(9000, large);
  EXPECT_EQ(port.mtu(), 9000U);
  EXPECT_FALSE(port.started());
  port.start();
  EXPECT_TRUE(port.started());
  EXPECT_EQ(round_trip(port, large, 9000), 9000U);
  EXPECT_EQ(port.rx(0).counters().frames, 1U) << "its queues are new";
}

TEST(PortReconfigure, ReceivesIntoTheNewPool) {
  FullPool before(receiving_pool(4));
  FullPool after(receiving_pool(4));
  const Vdev device("net_null1");
  Port port(on_port(device.id()), before);
  port.reconfigure(1400, after);
  port.start();
  std::array<rte_mbuf*, 2> burst{};
  ASSERT_EQ(port.rx(0).receive(burst), 2U);
  EXPECT_EQ(BufferPool::of(burst[0]), &after);
  BufferPool::release(burst);
}

TEST(PortReconfigure, LeavesThePortAsItWasWhenItCannot) {
  FullPool pool(receiving_pool(4));
  const Vdev device("net_null1");
  Port port(on_port(device.id()), pool);
  port.start();
  std::array<rte_mbuf*, 1> burst{};
  EXPECT_EQ(port.rx(0).receive(burst), 1U);
  BufferPool::release(burst);
  port.stop();
  try {
    port.reconfigure(9000, pool);
    FAIL() << "buffers of 2,176 bytes hold no jumbo frame";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("9000"));
  }
  EXPECT_EQ(port.mtu(), 1500U);
  EXPECT_EQ(port.rx(0).counters().frames, 1U) << "its queues are those that it had";
  port.start();
  EXPECT_EQ(port.rx(0).receive(burst), 1U);
  BufferPool::release(burst);
}

TEST(PortStatistics, BeginAgainWhenTheyAreCleared) {
  FullPool pool(receiving_pool(4));
  const Loopback loopback;
  Port port(on_port(loopback.port_id()), pool);
  port.start();
  ASSERT_EQ(round_trip(port, pool, 100), 100U);
  ASSERT_EQ(port.stats().tx_frames, 1U);
  port.clear_stats();
  const PortStats none = port.stats();
  EXPECT_EQ(none.rx_frames + none.rx_bytes + none.tx_frames + none.tx_bytes, 0U);
  EXPECT_EQ(port.rx(0).counters().frames, 0U);
  EXPECT_EQ(port.tx(0).counters().bytes, 0U);
  ASSERT_EQ(round_trip(port, pool, 60), 60U);
  EXPECT_EQ(port.stats().rx_frames, 1U);
  EXPECT_EQ(port.stats().tx_bytes, 60U);
}

}  // namespace
}  // namespace bab
