#include <bab/port/tx_completion.hpp>

#include <unistd.h>

#include <filesystem>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <bab/lcore/acquire.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/port.hpp>

#include "full_pool.hpp"
#include "odd_driver.hpp"
#include "test_port.hpp"

namespace bab {
namespace {

using test::frames_of;
using test::FullPool;
using test::receiving_pool;
using test::Vdev;

/// A started port whose driver keeps the sent frames until the next burst, as net_vmxnet3's does. A
/// burst without frames is enough.
class KeepingPort : public testing::Test {
 protected:
  KeepingPort() : port_({.id = device_.id()}, rx_pool_) {
    port_.start();
    kept_.clear();
    bursts_ = 0;
    rte_eth_fp_ops[device_.id()].tx_pkt_burst = [](void*, rte_mbuf** frames, std::uint16_t n) {
      ++bursts_;
      for (rte_mbuf* m : kept_) rte_pktmbuf_free(m);
      kept_.assign(frames, frames + n);
      return n;
    };
  }
  ~KeepingPort() override {
    for (rte_mbuf* m : kept_) rte_pktmbuf_free(m);
  }

  TxQueue queue(TxCompletion how) const {
    TxQueue q(device_.id(), 0, false);
    q.port_is_started(true, how);
    return q;
  }

  static inline std::vector<rte_mbuf*> kept_;
  static inline unsigned bursts_ = 0;
  FullPool rx_pool_{receiving_pool(8)};
  FullPool pool_{4};
  Vdev device_{"net_null1"};
  Port port_;
};

TEST_F(KeepingPort, GivesBackWhatItSentWhenIdle) {
  TxQueue tx = queue(TxCompletion::kEmptyBurst);
  WriteFlusher flusher(tx, wire::FrameHeader({}));
  std::vector<rte_mbuf*> sent = frames_of(pool_, {60, 60, 60, 60});
  ASSERT_EQ(tx.send(sent), 4U);
  EXPECT_EQ(pool_.in_use(), 4U);
  unsigned turns = 0;
  for (; pool_.in_use() > 0 && turns < 1000; ++turns) flusher.poll();
  EXPECT_LE(turns, 64U) << "of at most 100 us each: 10 ms";
  EXPECT_EQ(pool_.in_use(), 0U);
  EXPECT_LE(bursts_, 3U) << "not in every turn";
}

TEST_F(KeepingPort, IsNotAskedWhereThatDoesNothing) {
  for (const TxCompletion how :
       {TxCompletion::kReuse, TxCompletion::kAtOnce, TxCompletion::kUnknown}) {
    TxQueue tx = queue(how);
    for (int i = 0; i < 1000; ++i) tx.keep_near();
    tx.reclaim();
  }
  EXPECT_EQ(bursts_, 0U);
  TxQueue stopped = queue(TxCompletion::kEmptyBurst);
  stopped.port_is_started(false);
  for (int i = 0; i < 1000; ++i) stopped.keep_near();
  EXPECT_EQ(bursts_, 0U) << "DPDK complains of a burst then";
}

TEST_F(KeepingPort, WhoWaitsForABufferGetsThoseThatHaveGone) {
  TxQueue tx = queue(TxCompletion::kEmptyBurst);
  const wire::FrameHeader header({});
  FrameRing ring(4);
  WriteFlusher flusher(tx, header);
  flusher.add(ring);
  Lcore lcore;
  lcore.add(flusher);
  std::vector<rte_mbuf*> sent = frames_of(pool_, {60, 60, 60, 60});
  ASSERT_EQ(tx.send(sent), 4U);
  rte_mbuf* got = nullptr;
  lcore.spawn([&]() -> Task<> { got = co_await pool_.acquire(); });
  for (int t = 1; t < 100 && got == nullptr; ++t) lcore.turn(t);
  ASSERT_NE(got, nullptr) << "all buffers stay with the NIC";
  BufferPool::release(got);
}

TEST_F(KeepingPort, GivesBackWhatItSentWhenTheLinkIsDown) {
  TxQueue tx = queue(TxCompletion::kEmptyBurst);
  std::vector<rte_mbuf*> sent = frames_of(pool_, {60, 60});
  ASSERT_EQ(tx.send(sent), 2U);
  tx.hold(true);
  for (int i = 0; i < 64; ++i) tx.keep_near();
  EXPECT_EQ(pool_.in_use(), 0U);
}

TEST_F(KeepingPort, IsWhatTheDriverIsKnownFor) {
  EXPECT_EQ(port_.tx_completion(), TxCompletion::kAtOnce) << "net_null";
  // This device has no tx_done_cleanup. Neither have the drivers named here.
  EXPECT_EQ(find_tx_completion(device_.id(), "net_vmxnet3"), TxCompletion::kEmptyBurst);
  EXPECT_EQ(find_tx_completion(device_.id(), "net_e1000_em"), TxCompletion::kReuse);
  EXPECT_EQ(find_tx_completion(device_.id(), "net_virtio"), TxCompletion::kReuse);
  EXPECT_EQ(find_tx_completion(device_.id(), "net_af_xdp"), TxCompletion::kUnknown);
  EXPECT_EQ(find_tx_completion(device_.id(), "net_bonding"), TxCompletion::kUnknown);
}

TEST(TxCompletion, IsAskedOfTheDriver) {
  // net_vhost is the only driver without a NIC that has a tx_done_cleanup.
  const std::filesystem::path socket =
      std::filesystem::temp_directory_path() / ("bab_vhost_" + std::to_string(getpid()));
  const Vdev device("net_vhost1", "iface=" + socket.string());
  FullPool pool(receiving_pool(8));
  {
    const Port port({.id = device.id()}, pool);
    EXPECT_EQ(find_tx_completion(device.id(), "net_ixgbe"), TxCompletion::kCleanup);
    EXPECT_EQ(find_tx_completion(device.id(), port.driver()), TxCompletion::kAtOnce)
        << "it copies, and its tx_done_cleanup does nothing";
  }
  std::filesystem::remove(socket);
}

// net_null stands for net_memif, whose driver takes zero-copy only with --single-file-segments.
TEST(TxCompletion, AMemifThatLendsItsBuffersKeepsThem) {
  const Vdev device("net_null1");
  test::OddDriver driver(device.id());
  for (const auto& [arguments, how] :
       {std::pair{"role=client", TxCompletion::kAtOnce},
        std::pair{"role=client,zero-copy=yes", TxCompletion::kReuse},
        std::pair{"zero-copy=yes,role=slave", TxCompletion::kReuse},
        std::pair{"role=client,zero-copy=no", TxCompletion::kAtOnce},
        std::pair{"role=server,zero-copy=yes", TxCompletion::kAtOnce},
        std::pair{"zero-copy=yes", TxCompletion::kAtOnce}}) {
    driver.arguments = arguments;
    EXPECT_EQ(find_tx_completion(device.id(), "net_memif"), how) << arguments;
  }
}

TEST(TxCompletion, HasWordsForPeople) {
  EXPECT_EQ(tx_completion_name(TxCompletion::kAtOnce), "at once");
  EXPECT_EQ(tx_completion_name(TxCompletion::kReuse), "when descriptors are used again");
  EXPECT_EQ(tx_completion_name(TxCompletion::kUnknown), "unknown");
}

}  // namespace
}  // namespace bab
