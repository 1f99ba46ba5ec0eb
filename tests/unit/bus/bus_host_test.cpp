// A Bus beside a host application's own traffic. The port is the host's. The bus has two of its
// queues.
#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <bab/bus/bus.hpp>
#include <bab/port/loopback.hpp>

#include "../port/test_port.hpp"
#include "test_bus.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::kGroup;
using test::read_all;
using test::refusal_of;
using testing::ElementsAre;
using testing::HasSubstr;

/// A host's port made of rings, with two queues each way, configured by plain DPDK.
class HostsPort {
 public:
  explicit HostsPort(std::uint64_t tx_offloads = 0) {
    rte_eth_conf conf{};
    conf.txmode.offloads = tx_offloads;
    const std::uint16_t id = rings_.port_id();
    EXPECT_EQ(rte_eth_dev_configure(id, 2, 2, &conf), 0);
    for (std::uint16_t q = 0; q < 2; ++q) {
      EXPECT_EQ(rte_eth_rx_queue_setup(id, q, 128, 0, nullptr, pool_.mempool()), 0);
      EXPECT_EQ(rte_eth_tx_queue_setup(id, q, 128, 0, nullptr), 0);
    }
    EXPECT_EQ(rte_eth_dev_start(id), 0);
  }
  HostsPort(const HostsPort&) = delete;
  HostsPort& operator=(const HostsPort&) = delete;
  ~HostsPort() { EXPECT_EQ(rte_eth_dev_stop(rings_.port_id()), 0); }

  [[nodiscard]] std::uint16_t id() const { return rings_.port_id(); }
  [[nodiscard]] std::string device() const { return test::device_of(id()); }
  FullPool& pool() { return pool_; }

 private:
  FullPool pool_{test::receiving_pool(8)};
  Loopback rings_{2};
};

BusOptions beside(const HostsPort& port, HostQueues queues = {1, 1}) {
  BusOptions o;
  o.ports = {{.device = port.device(), .host = queues, .writers = 2}};
  o.cache = 0;
  o.stop_ms = 500;
  return o;
}

TEST(BusBesideAHost, HasItsQueuesAndLeavesTheOthersAlone) {
  HostsPort port;
  std::vector<rte_mbuf*> hosts = test::frames_of(port.pool(), {60, 61});
  {
    Bus bus(beside(port));
    auto out = bus.publish({.session = "GUEST", .to = kGroup});
    auto in = bus.subscribe({.from = kGroup});
    ASSERT_EQ(rte_eth_tx_burst(port.id(), 0, hosts.data(), 2), 2);
    out.send("beside");
    EXPECT_THAT(read_all(in), ElementsAre("beside"));
    EXPECT_THAT(refusal_of([&] { (void)bus.port(0); }), HasSubstr("is the host's"));
    test::expect_clean_stop(bus);
  }
  // The port is still started, and has the frames that the host sent.
  std::array<rte_mbuf*, 4> got;
  ASSERT_EQ(rte_eth_rx_burst(port.id(), 0, got.data(), 4), 2);
  EXPECT_EQ(got[0], hosts[0]);
  BufferPool::release(hosts);
}

TEST(BusBesideAHost, CopiesWhatTheHostsPoolReceived) {
  HostsPort port;
  rte_mempool* plain = rte_pktmbuf_pool_create("hosts_own", 7, 0, 0, 2176, SOCKET_ID_ANY);
  ASSERT_NE(plain, nullptr);
  {
    Bus bus(beside(port));
    auto out = bus.publish({.session = "COPY", .to = kGroup});
    auto in = bus.subscribe({.from = kGroup});
    out.send("copied");
    out.flush();
    bus.turn(1);
    bus.turn(2);
    // The frame came in a buffer of the bus's. Next, an equal frame from the host's pool.
    EXPECT_THAT(read_all(in), ElementsAre("copied"));
    const wire::FrameHeader header({.destination_ip = 0xef010101,
                                    .destination_port = 30001,
                                    .session = wire::make_session("HOST"),
                                    .udp_checksum = wire::ChecksumBy::kNone});
    rte_mbuf* m = rte_pktmbuf_alloc(plain);
    auto* at = reinterpret_cast<std::uint8_t*>(
        rte_pktmbuf_append(m, static_cast<std::uint16_t>(header.size() + 4)));
    const std::uint8_t block[] = {0, 2, 'h', 'i'};
    std::copy(std::begin(block), std::end(block), at + header.size());
    header.stamp(at, sizeof block, 1, 1);
    ASSERT_EQ(rte_eth_tx_burst(port.id(), 1, &m, 1), 1);
    EXPECT_THAT(read_all(in), ElementsAre("hi"));
    test::expect_clean_stop(bus);
  }
  EXPECT_EQ(rte_mempool_in_use_count(plain), 0U);
  rte_mempool_free(plain);
}

/// In a later fragment, payload stands where a UDP header would be. Here this payload looks like
/// the subscription's UDP port.
TEST(BusBesideAHost, ALaterFragmentBelongsToNoSubscription) {
  HostsPort port;
  Bus bus(beside(port));
  auto in = bus.subscribe({.from = kGroup});
  const wire::FrameHeader header({.destination_ip = 0xef010101,
                                  .destination_port = 30001,
                                  .udp_checksum = wire::ChecksumBy::kNone});
  std::vector<rte_mbuf*> frames =
      test::frames_of(port.pool(), {static_cast<std::uint16_t>(header.size())});
  auto* at = rte_pktmbuf_mtod(frames[0], std::uint8_t*);
  header.stamp(at, 0, 1, 0);
  std::uint8_t* ip = at + wire::kEthernetBytes;
  const auto add = [ip](std::size_t offset, int n) {
    wire::store_be<std::uint16_t>(
        ip + offset, static_cast<std::uint16_t>(wire::load_be<std::uint16_t>(ip + offset) + n));
  };
  add(wire::Ipv4Offset::kFragment, 1);  // fragment offset: 8 bytes from the packet's start
  add(wire::Ipv4Offset::kChecksum, -1);
  ASSERT_EQ(rte_eth_tx_burst(port.id(), 1, frames.data(), 1), 1);
  bus.turn(1);
  bus.turn(2);
  EXPECT_EQ(in.stats().frames, 0U);
  EXPECT_EQ(bus.drops(0)[Drop::kIpFragment], 1U);
  test::expect_clean_stop(bus);
}

/// Worker lcores poll the bus's queues. At the same time the host uses its own queues.
TEST(BusBesideAHost, RunsOnWorkersWhileTheHostSends) {
  HostsPort port;
  rte_mbuf* hosts = test::frames_of(port.pool(), {60}).front();
  std::atomic<std::uint32_t> read{0};
  {
    BusOptions options = beside(port);
    options.idle.strategy = IdleStrategy::kBackOff;
    options.stop_ms = 5'000;  // long, because other programs may take the machine's CPUs
    Bus bus(options);
    auto out = bus.publish({.session = "GUEST", .to = kGroup, .flush_messages = 1, .lcore = 1});
    auto in = bus.subscribe({.from = kGroup, .lcore = 2});
    bus.spawn(out, [out]() mutable -> Task<> {
      while (true) {
        auto room = co_await out.reserve_wait(1);
        if (!room) co_return;
        *room.data() = 'x';
        room.commit();
      }
    });
    bus.spawn(in, [in, &read]() mutable -> Task<> {
      while (true) {
        const Outcome outcome = co_await in.ready();
        if (outcome != Outcome::kDone) co_return;
        while (in.next()) read.fetch_add(1, std::memory_order_relaxed);
      }
    });
    bus.start();
    const std::uint64_t deadline = rte_get_tsc_cycles() + 10 * rte_get_tsc_hz();
    for (std::uint32_t sent = 0; (sent < 100 || read < 1'000) && rte_get_tsc_cycles() < deadline;
         ++sent) {
      ASSERT_EQ(rte_eth_tx_burst(port.id(), 0, &hosts, 1), 1);
      rte_mbuf* got = nullptr;
      ASSERT_EQ(rte_eth_rx_burst(port.id(), 0, &got, 1), 1);
      ASSERT_EQ(got, hosts);
      rte_delay_us_sleep(50);
    }
    test::expect_clean_stop(bus);
    EXPECT_EQ(out.stats().messages, read);
  }
  EXPECT_GE(read, 1'000U);
  BufferPool::release(hosts);
}

TEST(BusBesideAHost, RefusesWhatTheHostDidNotConfigureForIt) {
  HostsPort port;
  EXPECT_THAT(refusal_of([&] {
                Bus bus(beside(port, {2, 0}));
              }),
              HasSubstr("host.rx is 2, and the port was configured with 2 such queues"));
  EXPECT_THAT(refusal_of([&] {
                Bus bus(beside(port, {0, 5}));
              }),
              HasSubstr("host.tx is 5, and the port was configured with 2 such queues"));
  BusOptions options = beside(port);
  options.ports[0].mtu = 9000;
  EXPECT_THAT(refusal_of([&] { Bus bus(options); }), HasSubstr("are the host's to choose"));
}

/// A queue is for one thread.
TEST(BusBesideAHost, RefusesAQueueThatAnotherBusHas) {
  HostsPort port;
  {
    Bus first(beside(port, {0, 1}));
    EXPECT_THAT(refusal_of([&] {
                  Bus second(beside(port, {0, 0}));
                }),
                HasSubstr("RX queue 0 is in use by another Bus"));
    EXPECT_THAT(refusal_of([&] {
                  Bus second(beside(port, {1, 1}));
                }),
                HasSubstr("TX queue 1 is in use by another Bus"));
    Bus second(beside(port, {1, 0}));  // what the refused ones claimed is free again
  }
  Bus again(beside(port, {0, 1}));
}

TEST(BusBesideAHost, RefusesQueuesOfAPortThatAnotherBusOwns) {
  const test::Vdev null("net_null_owned");
  BusOptions options = test::small_bus();
  options.ports[0] = {.device = "net_null_owned"};
  Bus owner(options);
  options.ports[0].host = HostQueues{0, 0};
  EXPECT_THAT(refusal_of([&] { Bus second(options); }),
              HasSubstr("net_null_owned): it is in use by another bab::Port"));
}

TEST(BusBesideAHost, RefusesAnMtuThatIsLongerThanABuffer) {
  const test::Vdev null("net_null_long");
  std::uint16_t id = 0;
  ASSERT_EQ(rte_eth_dev_get_port_by_name("net_null_long", &id), 0);
  FullPool pool(test::receiving_pool(1));
  rte_eth_conf conf{};
  conf.rxmode.mtu = 65'535;
  ASSERT_EQ(rte_eth_dev_configure(id, 1, 1, &conf), 0);
  ASSERT_EQ(rte_eth_rx_queue_setup(id, 0, 64, 0, nullptr, pool.mempool()), 0);
  ASSERT_EQ(rte_eth_tx_queue_setup(id, 0, 64, 0, nullptr), 0);
  BusOptions options = test::small_bus();
  options.ports[0] = {.device = "net_null_long", .host = HostQueues{0, 0}};
  EXPECT_THAT(refusal_of([&] { Bus bus(options); }),
              HasSubstr("net_null_long): the host gave it an MTU of 65535, and a buffer has room "
                        "for "));
}

}  // namespace
}  // namespace bab
