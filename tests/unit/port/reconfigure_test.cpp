#include <array>
#include <string>
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
using testing::AllOf;
using testing::HasSubstr;

PortOptions on_port(std::uint16_t id, std::uint32_t mtu = 1500) {
  PortOptions o;
  o.id = id;
  o.mtu = mtu;
  return o;
}

/// Sends one frame and receives it. Gives the frame's bytes, or 0 if none came.
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

/// A started port keeps its MTU, and a stopped port may get another one. A call that fails changes
/// nothing.
struct C08 : testing::Test {
  C08() { port.start(); }

  std::string error_of(std::uint32_t mtu, BufferPool& into) {
    try {
      port.reconfigure(mtu, into);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  void expect_as_it_was() {
    EXPECT_EQ(port.mtu(), 1500U);
    EXPECT_EQ(port.rx_queues(), 2U);
    EXPECT_EQ(port.tx_queues(), 2U);
    EXPECT_EQ(port.rx_descriptors(), descriptors);
    EXPECT_EQ(&port.rx(0), queue) << "the very same queues";
    EXPECT_EQ(port.rx(0).counters().frames, 1U);
    EXPECT_EQ(port.stats().tx_frames, 1U);
    if (!port.started()) port.start();
    EXPECT_EQ(round_trip(port, pool, 200), 200U);
  }

  FullPool pool{receiving_pool(8, 9300)};
  FullPool small{receiving_pool(4, 1000)};
  Loopback loopback{2};
  Port port{{.id = loopback.port_id(), .rx_queues = 2, .tx_queues = 2}, pool};
  std::uint16_t descriptors = port.rx_descriptors();
  const RxQueue* queue = &port.rx(0);
};

TEST_F(C08, AStartedPortKeepsItsMtu) {
  ASSERT_EQ(round_trip(port, pool, 100), 100U);
  EXPECT_THAT(error_of(9000, pool), HasSubstr("9000 while it is started; stop it before"));
  EXPECT_TRUE(port.started());
  expect_as_it_was();
}

TEST_F(C08, APoolThatIsTooSmallChangesNothing) {
  ASSERT_EQ(round_trip(port, pool, 100), 100U);
  port.stop();
  EXPECT_THAT(error_of(9000, small), HasSubstr("has 1000"));
  expect_as_it_was();
}

TEST_F(C08, AnMtuThatTheDeviceDoesNotTakeChangesNothing) {
  ASSERT_EQ(round_trip(port, pool, 100), 100U);
  port.stop();
  for (const std::uint32_t mtu : {0U, 65'536U, 70'000U})
    EXPECT_THAT(error_of(mtu, pool), HasSubstr("MTU " + std::to_string(mtu)));
  expect_as_it_was();
}

TEST_F(C08, APoolThatTheDriverRefusesChangesNothing) {
  // DPDK reads the size of the buffers from the mempool's private data.
  FullPool odd(receiving_pool(4, 9300));
  auto* says = static_cast<rte_pktmbuf_pool_private*>(rte_mempool_get_priv(odd.mempool()));
  says->mbuf_data_room_size = 1;
  ASSERT_EQ(round_trip(port, pool, 100), 100U);
  port.stop();
  EXPECT_THAT(error_of(9000, odd), HasSubstr("setting up RX queue 0"));
  expect_as_it_was();
  std::uint16_t mtu = 0;
  ASSERT_EQ(rte_eth_dev_get_mtu(port.id(), &mtu), 0);
  EXPECT_EQ(mtu, 1500) << "the device, too";
}

TEST_F(C08, ADeviceThatCanNotBeBroughtBackIsSaidToBe) {
  ASSERT_EQ(round_trip(port, pool, 100), 100U);
  port.stop();
  // the Port doesn't know; a started device can't be configured
  ASSERT_EQ(rte_eth_dev_start(port.id()), 0);
  EXPECT_THAT(error_of(9000, pool),
              AllOf(HasSubstr("configuring"), HasSubstr("going back to MTU 1500 failed")));
  ASSERT_EQ(rte_eth_dev_stop(port.id()), 0);
  expect_as_it_was();
}

TEST_F(C08, StartingTwiceAndStoppingTwiceIsOnce) {
  port.start();
  EXPECT_TRUE(port.started());
  port.stop();
  port.stop();
  EXPECT_FALSE(port.started());
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
