// What a Port knows of frames that its driver took and its NIC hasn't sent.
#include <bab/port/port.hpp>

#include <array>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>
#include <rte_memzone.h>

#include <bab/port/loopback.hpp>

#include "full_pool.hpp"
#include "odd_driver.hpp"
#include "test_port.hpp"
#include "virtual_sleep.hpp"

namespace bab {
namespace {

using test::frames_of;
using test::FullPool;
using test::OddDriver;
using test::receiving_pool;
using test::VirtualSleep;

/// A port whose driver takes all frames, and whose NIC sends them as time passes.
class SlowNic : public testing::Test {
 protected:
  explicit SlowNic(const std::string& driver = "net_slow") { driver_.name = driver; }
  void open() {
    port_.emplace(PortOptions{.id = device_.id(), .tx_descriptors = 64}, rx_pool_);
    start();
  }
  void start() {
    port_->start();
    rte_eth_fp_ops[device_.id()].tx_pkt_burst = [](void*, rte_mbuf** frames, std::uint16_t n) {
      rte_pktmbuf_free_bulk(frames, n);
      return n;
    };
  }
  /// Sends n frames. The driver frees their buffers at once: these tests are about counts, not
  /// about buffers.
  void give(unsigned n) {
    for (unsigned i = 0; i < n; ++i) {
      std::array frame{test::frame_of(pool_, 60)};
      ASSERT_EQ(port_->tx(0).send(frame), 1U);
    }
  }
  std::uint64_t unsent_drops() { return port_->drops()[Drop::kTxUnsent]; }

  FullPool rx_pool_{receiving_pool(8)};
  FullPool pool_{4};
  const test::Vdev device_{"net_null1"};
  OddDriver driver_{device_.id()};
  VirtualSleep sleep_{[this] { tick_(); }};
  std::function<void()> tick_ = [] {};
  std::optional<Port> port_;
};

/// The driver's count of sent frames comes from the NIC.
class CountingNic : public SlowNic {
 protected:
  CountingNic() {
    open();
    driver_.others.opackets = 1;  // an earlier frame shows that the NIC counts
    port_->clear_stats();
  }
  void send(unsigned n) { driver_.others.opackets += n; }
};

TEST_F(CountingNic, IsWaitedForAtAStop) {
  give(20);
  send(3);
  tick_ = [&] {
    if (port_->tx_account().unsent > 0) send(1);
  };
  port_->stop();
  EXPECT_EQ(unsent_drops(), 0U);
  EXPECT_NEAR(sleep_.seconds(), 0.017, 0.002);
  const TxAccount a = port_->tx_account();
  EXPECT_EQ(a.sent, 20U);
}

TEST_F(CountingNic, WhatDoesNotGoIsLostOnce) {
  give(20);
  send(11);
  EXPECT_EQ(port_->await_sent(), 9U);
  const TxAccount a = port_->tx_account();
  EXPECT_EQ(a.given, 20U);
  EXPECT_EQ(a.sent, 11U);
  EXPECT_EQ(a.failed, 0U);
  EXPECT_EQ(a.unsent, 9U);
  EXPECT_EQ(unsent_drops(), 0U) << "it may go yet";
  port_->stop();
  EXPECT_EQ(unsent_drops(), 9U);
  EXPECT_LE(sleep_.seconds(), 0.25) << "nothing moved, twice";
  start();
  port_->stop();
  EXPECT_EQ(unsent_drops(), 9U);
  port_->clear_stats();
  EXPECT_EQ(unsent_drops(), 0U);
}

TEST_F(CountingNic, IsNotWaitedForLongerThanASecond) {
  give(2000);
  tick_ = [&] { send(1); };
  port_->stop();
  EXPECT_EQ(unsent_drops(), 1000U);
  EXPECT_NEAR(sleep_.seconds(), 1, 0.01);
}

TEST_F(CountingNic, WhatHadNotGoneWhenItsCountersWereClearedGoesLater) {
  give(20);
  send(11);
  port_->clear_stats();
  give(5);
  EXPECT_EQ(port_->tx_account().unsent, 14U);
  send(14);
  const TxAccount a = port_->tx_account();
  EXPECT_EQ(a.given, 14U);
  EXPECT_EQ(a.sent, 14U);
  EXPECT_EQ(a.unsent, 0U);
  EXPECT_EQ(port_->drops().total(DropUnit::kFrame), 0U);
}

TEST_F(CountingNic, FramesThatItFailedToSendAreNotWaitedFor) {
  give(5);
  send(3);
  driver_.others.oerrors += 2;
  port_->stop();
  EXPECT_EQ(sleep_.seconds(), 0);
  EXPECT_EQ(port_->drops()[Drop::kTxErrors], 2U);
  EXPECT_EQ(unsent_drops(), 0U);
}

// net_tap counts a frame that it doesn't take as an error, each time that the frame is offered.
TEST_F(CountingNic, AFrameThatItDidNotTakeHasNotFailed) {
  give(5);
  send(5);
  driver_.others.oerrors += 18'090;
  EXPECT_EQ(port_->stats().tx_errors, 18'090U) << "the driver's figure";
  EXPECT_EQ(port_->drops()[Drop::kTxErrors], 0U);
  give(2);
  send(1);
  EXPECT_EQ(port_->drops()[Drop::kTxErrors], 1U);
}

TEST_F(CountingNic, FramesThatAllFailedWereNotSent) {
  driver_.others.opackets = 0;
  port_->clear_stats();
  give(5);
  driver_.others.oerrors = 5;
  EXPECT_EQ(port_->stats().tx_frames, 0U);
  EXPECT_EQ(port_->drops()[Drop::kTxErrors], 5U);
}

/// The driver counts a frame when it takes the frame. The descriptors tell which frames are sent.
class TellingNic : public CountingNic {
 protected:
  TellingNic() {
    rte_eth_fp_ops[device_.id()].tx_descriptor_status = [](void*, std::uint16_t at) {
      return static_cast<int>(at < not_done_ ? RTE_ETH_TX_DESC_FULL : RTE_ETH_TX_DESC_DONE);
    };
    not_done_ = 0;
  }
  static inline unsigned not_done_ = 0;
};

TEST_F(TellingNic, IsWaitedForAsLongAsItGetsOn) {
  give(20);
  send(20);
  not_done_ = 20;
  tick_ = [] {
    if (not_done_ > 5) --not_done_;
  };
  port_->stop();
  EXPECT_EQ(unsent_drops(), 0U) << "those five may be what nobody asked the NIC about";
  EXPECT_NEAR(sleep_.seconds(), 0.035, 0.003);
}

TEST_F(TellingNic, WhatItsNicHasDoneMayNotBeCountedYet) {
  give(20);
  send(11);
  unsigned looks = 0;
  tick_ = [&] {
    if (++looks == 50) send(9);
  };
  EXPECT_EQ(port_->await_sent(), 0U);
  EXPECT_EQ(port_->tx_account().sent, 20U);
}

TEST_F(TellingNic, WhatItsNicHasDoneIsNotUnsent) {
  give(20);
  send(11);
  not_done_ = 4;
  EXPECT_EQ(port_->tx_account().unsent, 4U);
  const TxAccount a = port_->tx_account();
  EXPECT_EQ(a.given, a.sent + a.failed + a.unsent + 5) << "those are missing";
}

/// A ring as in the virtio standard, at the place where net_virtio puts it.
class VirtioNic : public SlowNic {
 protected:
  VirtioNic() : SlowNic("net_virtio") {
    driver_.most_tx_descriptors = 32'768;
    zone_ = rte_memzone_reserve_aligned(("port" + std::to_string(device_.id()) + "_vq1").c_str(),
                                        12'288, SOCKET_ID_ANY, 0, 4096);
    open();
  }
  ~VirtioNic() override {
    port_.reset();
    rte_memzone_free(zone_);
  }
  std::uint16_t& available() { return word(256 * 16 + 2); }
  std::uint16_t& used() { return word(8192 + 2); }
  std::uint16_t& word(std::size_t at) {
    return *reinterpret_cast<std::uint16_t*>(static_cast<char*>(zone_->addr) + at);
  }

  const rte_memzone* zone_ = nullptr;
};

TEST_F(VirtioNic, IsWaitedForAtAStop) {
  available() = used() = 0xfff0;
  give(20);
  driver_.others.opackets += 20;  // the driver counts the frames that it takes
  available() += 20;
  EXPECT_EQ(port_->tx_account().unsent, 20U);
  EXPECT_EQ(port_->tx_account().sent, 0U);
  tick_ = [&] {
    if (used() != available()) ++used();
  };
  port_->stop();
  EXPECT_EQ(unsent_drops(), 0U);
  EXPECT_NEAR(sleep_.seconds(), 0.02, 0.002);
}

TEST_F(VirtioNic, WhatItsDeviceDoesNotTakeIsLost) {
  available() = used() = 7;
  give(20);
  driver_.others.opackets += 20;
  available() += 20;
  used() += 11;
  port_->stop();
  EXPECT_EQ(unsent_drops(), 9U);
}

TEST_F(VirtioNic, APackedRingTellsNothing) {
  driver_.most_tx_descriptors = 0xffff;
  available() = 9;
  used() = 0;
  give(9);
  driver_.others.opackets += 9;
  port_->stop();
  EXPECT_EQ(unsent_drops(), 0U);
  EXPECT_EQ(sleep_.seconds(), 0);
}

TEST(TxWait, AMemoryPortIsNotWaitedFor) {
  FullPool pool(receiving_pool(8));
  const Loopback loopback;
  Port port({.id = loopback.port_id()}, pool);
  port.start();
  std::array frame{test::frame_of(pool, 60)};
  ASSERT_EQ(port.tx(0).send(frame), 1U);
  const VirtualSleep sleep;
  EXPECT_EQ(port.await_sent(), 0U);
  EXPECT_EQ(sleep.seconds(), 0);
  port.drain();
}

}  // namespace
}  // namespace bab
