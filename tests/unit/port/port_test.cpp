#include <bab/port/port.hpp>

#include <algorithm>
#include <array>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>
#include <bab/port/loopback.hpp>

#include "full_pool.hpp"
#include "test_port.hpp"

namespace bab {
namespace {

using test::frames_of;
using test::FullPool;
using test::receiving_pool;
using test::Vdev;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

PortOptions on(std::uint16_t id) {
  PortOptions o;
  o.id = id;
  return o;
}

/// The reason why a Port can't be made, or "".
std::string refusal(const PortOptions& options, BufferPool& pool) {
  try {
    const Port port(options, pool);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Port, IsWhatWasAskedFor) {
  FullPool pool(receiving_pool(4, 9300));
  const Vdev device("net_null1");
  PortOptions o = on(device.id());
  o.mtu = 9000;
  Port port(o, pool);
  EXPECT_EQ(port.id(), device.id());
  EXPECT_EQ(port.name(), "net_null1");
  EXPECT_EQ(port.driver(), "net_null");
  EXPECT_EQ(port.mtu(), 9000U);
  EXPECT_EQ(port.rx_queues(), 1U);
  EXPECT_EQ(port.tx_queues(), 1U);
  std::uint16_t mtu = 0;
  rte_eth_dev_get_mtu(device.id(), &mtu);
  EXPECT_EQ(mtu, 9000) << "the device's own";
}

TEST(Port, OfALoopbackTakesJumboFramesToo) {
  FullPool pool(receiving_pool(2, 9300));
  const Loopback loopback;
  PortOptions o = on(loopback.port_id());
  o.mtu = 9000;
  const Port port(o, pool);
  EXPECT_EQ(port.mtu(), 9000U);
  EXPECT_EQ(port.driver(), "net_ring");
  EXPECT_EQ(port.offloads().tx_udp, wire::ChecksumBy::kNone) << "a memory port";
}

TEST(Port, HasTheMacOfTheDevice) {
  FullPool pool(receiving_pool(2));
  const Vdev device("net_null1");
  const Port port(on(device.id()), pool);
  rte_ether_addr address;
  ASSERT_EQ(rte_eth_macaddr_get(device.id(), &address), 0);
  const wire::MacAddress mac = port.mac();
  EXPECT_TRUE(std::equal(mac.begin(), mac.end(), address.addr_bytes));
}

TEST(Port, IsPromiscuous) {
  FullPool pool(receiving_pool(2));
  const Loopback loopback;
  rte_eth_promiscuous_disable(loopback.port_id());
  const Port port(on(loopback.port_id()), pool);
  EXPECT_EQ(rte_eth_promiscuous_get(loopback.port_id()), 1);
}

TEST(Port, IsNotPromiscuousUnlessAskedFor) {
  FullPool pool(receiving_pool(2));
  const Loopback loopback;
  rte_eth_promiscuous_disable(loopback.port_id());
  PortOptions o = on(loopback.port_id());
  o.promiscuous = false;
  const Port port(o, pool);
  EXPECT_EQ(rte_eth_promiscuous_get(loopback.port_id()), 0);
}

TEST(Port, ChangesItsPromiscuousModeWhenItIsTold) {
  FullPool pool(receiving_pool(2));
  const Loopback loopback;
  Port port(on(loopback.port_id()), pool);
  EXPECT_TRUE(port.promiscuous());
  for (const bool wanted : {false, false, true}) {
    port.set_promiscuous(wanted);
    EXPECT_EQ(port.promiscuous(), wanted);
    EXPECT_EQ(rte_eth_promiscuous_get(loopback.port_id()), wanted ? 1 : 0);
  }
}

TEST(Port, SaysSoWhereItCannotBePromiscuous) {
  FullPool pool(receiving_pool(2));
  const Vdev device("net_pcap1", "tx_pcap=/dev/null");
  Port port(on(device.id()), pool);
  try {
    port.set_promiscuous(!port.promiscuous());
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("net_pcap1"), HasSubstr("own address only")));
  }
}

TEST(Port, TakesADriverWithoutPromiscuousMode) {
  FullPool pool(receiving_pool(2));
  const Vdev device("net_null1");
  EXPECT_EQ(refusal(on(device.id()), pool), "");
}

TEST(Port, RefusesAPortThatIsNotThere) {
  FullPool pool(receiving_pool(2));
  EXPECT_THAT(refusal(on(31), pool), HasSubstr("31"));
}

TEST(Port, RefusesMoreQueuesThanThereAre) {
  FullPool pool(receiving_pool(2));
  const Loopback loopback(2);
  PortOptions o = on(loopback.port_id());
  o.rx_queues = 3;
  EXPECT_THAT(refusal(o, pool), AllOf(HasSubstr("3 RX and 1 TX"), HasSubstr("2 and 2")));
  o.rx_queues = 1;
  o.tx_queues = 3;
  EXPECT_THAT(refusal(o, pool), AllOf(HasSubstr("1 RX and 3 TX"), HasSubstr("2 and 2")));
  o.tx_queues = 2;
  EXPECT_EQ(refusal(o, pool), "");
}

TEST(Port, RefusesAnMtuThatTheDeviceDoesNotTake) {
  FullPool pool(receiving_pool(2, 65'535));
  const Loopback loopback;
  rte_eth_dev_info info;
  ASSERT_EQ(rte_eth_dev_info_get(loopback.port_id(), &info), 0);
  PortOptions o = on(loopback.port_id());
  for (std::uint32_t mtu : {0U, info.min_mtu - 1U, info.max_mtu + 1U, ~0U}) {
    o.mtu = mtu;
    EXPECT_THAT(refusal(o, pool),
                HasSubstr("MTU " + std::to_string(mtu) + " asked for, it takes " +
                          std::to_string(info.min_mtu) + " to " + std::to_string(info.max_mtu)));
  }
  o.mtu = info.min_mtu;
  EXPECT_EQ(refusal(o, pool), "");
}

TEST(Port, RefusesBuffersThatDoNotHoldAFrame) {
  const auto need = static_cast<std::uint16_t>(Port::data_room(9000));
  FullPool small(receiving_pool(2, static_cast<std::uint16_t>(need - 1)));
  FullPool enough(receiving_pool(2, need));
  const Vdev device("net_null1");
  PortOptions o = on(device.id());
  o.mtu = 9000;
  EXPECT_THAT(refusal(o, small),
              AllOf(HasSubstr("MTU of 9000"), HasSubstr(std::to_string(need)),
                    HasSubstr(std::to_string(need - 1)), HasSubstr(small.name())));
  EXPECT_EQ(refusal(o, enough), "");
}

TEST(Port, DataRoomHoldsHeadroomTagAndCrc) {
  static_assert(Port::data_room(1500) == RTE_PKTMBUF_HEADROOM + 14 + 4 + 1500 + 4);
  static_assert(Port::data_room(9000) < 65'536);
}

TEST(Port, RefusesChecksumsInHardwareThatIsNotThere) {
  FullPool pool(receiving_pool(2));
  const Loopback loopback;
  PortOptions o = on(loopback.port_id());
  o.tx_checksum = ChecksumChoice::kHw;
  EXPECT_THAT(refusal(o, pool), HasSubstr("TX checksums by hardware"));
}

TEST(Port, CanBeMadeAfterOneWasRefused) {
  FullPool pool(receiving_pool(4));
  const Loopback loopback;
  PortOptions o = on(loopback.port_id());
  o.rx_queues = 2;
  EXPECT_NE(refusal(o, pool), "");
  o.rx_queues = 1;
  o.mtu = 9000;
  EXPECT_NE(refusal(o, pool), "");
  o.mtu = 1500;
  Port port(o, pool);
  port.start();
  std::vector<rte_mbuf*> sent = frames_of(pool, {60});
  EXPECT_EQ(port.tx(0).send(sent), 1U);
  EXPECT_EQ(port.drain(), 1U);
}

// Statistics.

TEST(Port, CountsFramesAndBytes) {
  FullPool pool(receiving_pool(4));
  Loopback loopback;
  Port port(on(loopback.port_id()), pool);
  port.start();
  std::vector<rte_mbuf*> sent = frames_of(pool, {60, 100, 1514});
  ASSERT_EQ(port.tx(0).send(sent), 3U);
  PortStats s = port.stats();
  EXPECT_EQ(s.tx_frames, 3U);
  EXPECT_EQ(s.tx_bytes, 60U + 100 + 1514) << "net_ring keeps none: they are ours";
  EXPECT_EQ(s.rx_frames, 0U);
  EXPECT_EQ(port.drain(), 3U);
  s = port.stats();
  EXPECT_EQ(s.rx_frames, 3U);
  EXPECT_EQ(s.rx_bytes, 60U + 100 + 1514);
  EXPECT_EQ(s.rx_missed + s.rx_nombuf + s.rx_errors + s.tx_errors, 0U);
}

TEST(Port, CountsAllQueues) {
  FullPool pool(receiving_pool(4));
  Loopback loopback(2);
  PortOptions o = on(loopback.port_id());
  o.rx_queues = o.tx_queues = 2;
  Port port(o, pool);
  port.start();
  std::vector<rte_mbuf*> one = frames_of(pool, {60}), two = frames_of(pool, {70, 80});
  ASSERT_EQ(port.tx(0).send(one), 1U);
  ASSERT_EQ(port.tx(1).send(two), 2U);
  EXPECT_EQ(port.drain(), 3U);
  const PortStats s = port.stats();
  EXPECT_EQ(s.tx_frames, 3U);
  EXPECT_EQ(s.tx_bytes, 210U);
  EXPECT_EQ(s.rx_frames, 3U);
  EXPECT_EQ(s.rx_bytes, 210U);
}

TEST(Port, CountsOnNetNull) {
  FullPool pool(receiving_pool(8));
  const Vdev device("net_null1", "size=100");
  Port port(on(device.id()), pool);
  port.start();
  std::array<rte_mbuf*, 5> got;
  ASSERT_EQ(port.rx(0).receive(got), 5U);
  ASSERT_EQ(port.tx(0).send(got), 5U);
  const PortStats s = port.stats();
  EXPECT_EQ(s.rx_frames, 5U);
  EXPECT_EQ(s.rx_bytes, 500U);
  EXPECT_EQ(s.tx_frames, 5U);
  EXPECT_EQ(s.tx_bytes, 500U);
}

TEST(Port, BackPressureIsNoDrop) {
  FullPool pool(receiving_pool(8));
  Loopback loopback(1, 2);
  Port port(on(loopback.port_id()), pool);
  port.start();
  std::vector<rte_mbuf*> sent = frames_of(pool, {60, 60, 60});
  ASSERT_EQ(port.tx(0).send(sent), 2U);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(port.tx(0).send(std::span(sent).last(1)), 0U);
  EXPECT_EQ(port.stats().tx_frames, 2U);
  EXPECT_EQ(port.drops().total(DropUnit::kFrame), 0U);
  BufferPool::release(sent.back());
  port.drain();
}

TEST(Port, CountsOnAfterAStop) {
  FullPool pool(receiving_pool(4));
  Loopback loopback;
  Port port(on(loopback.port_id()), pool);
  for (std::uint64_t round = 1; round <= 3; ++round) {
    port.start();
    std::vector<rte_mbuf*> sent = frames_of(pool, {60});
    ASSERT_EQ(port.tx(0).send(sent), 1U);
    EXPECT_EQ(port.drain(), 1U);
    port.stop();
    EXPECT_EQ(port.stats().tx_frames, round);
    EXPECT_EQ(port.stats().tx_bytes, round * 60);
  }
}

// Start and stop.

TEST(Port, StopsAsOftenAsYouLike) {
  FullPool pool(receiving_pool(2));
  const Loopback loopback;
  Port port(on(loopback.port_id()), pool);
  port.stop();
  port.start();
  port.stop();
  port.stop();
}

TEST(Port, NeedNotBeStarted) {
  FullPool pool(receiving_pool(2));
  const Vdev device("net_null1");
  const Port port(on(device.id()), pool);
}

TEST(Port, DrainsWhatIsLeftAfterAStop) {
  FullPool pool(receiving_pool(4));
  Loopback loopback;
  Port port(on(loopback.port_id()), pool);
  port.start();
  std::vector<rte_mbuf*> sent = frames_of(pool, {60, 60});
  ASSERT_EQ(port.tx(0).send(sent), 2U);
  EXPECT_EQ(port.drain(), 2U);
  EXPECT_EQ(port.drain(), 0U);
}

TEST(Port, DrainEndsThoughAPeerGoesOnSending) {
  FullPool pool(receiving_pool(64));
  const Vdev device("net_null1");
  Port port(on(device.id()), pool);
  port.start();
  EXPECT_EQ(port.drain(), 65'536U);
}

TEST(Port, ReclaimsWhereTheDriverCanAndIsQuietElsewhere) {
  FullPool pool(receiving_pool(2));
  const Loopback loopback;
  Port port(on(loopback.port_id()), pool);
  port.start();
  port.reclaim();
}

// Descriptors.

TEST(Port, HasTheDescriptorsAskedFor) {
  FullPool pool(receiving_pool(2));
  const Loopback loopback;
  PortOptions o = on(loopback.port_id());
  o.rx_descriptors = 64;
  o.tx_descriptors = 128;
  const Port port(o, pool);
  EXPECT_EQ(port.rx_descriptors(), 64);
  EXPECT_EQ(port.tx_descriptors(), 128);
  EXPECT_EQ(tx_descriptors(loopback.port_id(), 128), 128);
}

TEST(Port, SaysHowManyDescriptorsTheDefaultIs) {
  FullPool pool(receiving_pool(2));
  const Loopback loopback;
  const Port port(on(loopback.port_id()), pool);
  EXPECT_EQ(port.rx_descriptors(), RTE_ETH_DEV_FALLBACK_RX_RINGSIZE);
  EXPECT_EQ(port.tx_descriptors(), RTE_ETH_DEV_FALLBACK_TX_RINGSIZE);
  EXPECT_EQ(tx_descriptors(loopback.port_id(), 0), port.tx_descriptors());
}

rte_eth_desc_lim limits(std::uint16_t least, std::uint16_t most, std::uint16_t multiple) {
  rte_eth_desc_lim l{};
  l.nb_min = least;
  l.nb_max = most;
  l.nb_align = multiple;
  return l;
}

TEST(Descriptors, AreTheDriversDefaultAndNotItsLeast) {
  EXPECT_EQ(choose_descriptors(0, 1024, 512, limits(32, 4096, 8)), 1024);
  EXPECT_EQ(choose_descriptors(0, 0, 512, limits(32, 4096, 8)), 512) << "DPDK's, if it has none";
}

TEST(Descriptors, KeepToTheLimits) {
  EXPECT_EQ(choose_descriptors(100, 1024, 512, limits(32, 4096, 8)), 104);
  EXPECT_EQ(choose_descriptors(1, 1024, 512, limits(32, 4096, 8)), 32);
  EXPECT_EQ(choose_descriptors(9000, 1024, 512, limits(32, 4096, 8)), 4096);
  EXPECT_EQ(choose_descriptors(65'535, 1024, 512, limits(32, 4096, 64)), 4096);
  EXPECT_EQ(choose_descriptors(0, 0, 512, limits(32, 256, 8)), 256);
}

TEST(Descriptors, MayBeUnlimited) {
  EXPECT_EQ(choose_descriptors(77, 0, 512, limits(0, 0, 0)), 77);
  EXPECT_EQ(choose_descriptors(0, 0, 512, limits(0, 0, 0)), 512);
}

TEST(PortIds, AreThoseOfThePortsThereAre) {
  const Vdev first("net_null1");
  std::uint16_t gone;
  {
    const Vdev second("net_null2");
    gone = second.id();
    EXPECT_THAT(port_ids(), AllOf(Contains(first.id()), Contains(gone)));
  }
  EXPECT_THAT(port_ids(), Contains(first.id()));
  EXPECT_THAT(port_ids(), Not(Contains(gone)));
}

}  // namespace
}  // namespace bab
