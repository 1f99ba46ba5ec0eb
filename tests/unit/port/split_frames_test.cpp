#include <bab/port/split_frames.hpp>

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/message/framer.hpp>
#include <bab/port/loopback.hpp>

#include "full_pool.hpp"
#include "made_frame.hpp"
#include "odd_port.hpp"
#include "test_port.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::MadeFrame;
using test::receiving_pool;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(SplitFrames, AWholeFramesRoomIsAPowerOfTwoBehindTheHeadroom) {
  EXPECT_EQ(whole_frame_room(1500), RTE_PKTMBUF_HEADROOM + 2048U);
  EXPECT_EQ(whole_frame_room(9000), RTE_PKTMBUF_HEADROOM + 16'384U);
  EXPECT_EQ(whole_frame_room(32'746), RTE_PKTMBUF_HEADROOM + 32'768U);
  EXPECT_EQ(whole_frame_room(32'747), 0U) << "65,535 would count as 32,768";
  for (std::uint32_t mtu = 68; mtu < 16'000; ++mtu)
    ASSERT_GE(whole_frame_room(mtu), Port::data_room(mtu));
}

TEST(SplitFrames, TheSentenceSaysWhatMendsIt) {
  FullPool pool(receiving_pool(4, 9300));
  const Loopback loopback;
  PortOptions o;
  o.id = loopback.port_id();
  o.mtu = 9000;
  const Port port(o, pool);
  EXPECT_THAT(split_frames_text(port),
              AllOf(HasSubstr("port " + std::to_string(port.id())), HasSubstr("net_ring"),
                    HasSubstr("copied into one buffer"), HasSubstr("16512 bytes")));
}

TEST(SplitFrames, WhereNoBufferIsLargeEnoughALowerMtuMendsIt) {
  FullPool pool(receiving_pool(4, 65'535));
  const Loopback loopback;
  PortOptions o;
  o.id = loopback.port_id();
  o.mtu = 40'000;
  const Port port(o, pool);
  EXPECT_FALSE(larger_buffers_help(port));
  EXPECT_THAT(split_frames_text(port), HasSubstr("lower its MTU to 32746"));
}

using SplitByOlderBuffers = test::OddPort;

TEST_F(SplitByOlderBuffers, AreNotTheBuffersThatItHasNow) {
  driver.tells = false;
  driver.rings = 1;
  driver.keeps_them = true;
  make(1500).start();
  EXPECT_FALSE(port->has_smaller_buffers());
  port->stop();
  port->reconfigure(9000, maker());
  port->start();
  EXPECT_FALSE(larger_buffers_help(*port));
  EXPECT_THAT(split_frames_text(*port),
              AllOf(HasSubstr("since before its MTU was raised"), Not(HasSubstr("16512"))));
}

TEST_F(SplitByOlderBuffers, AreForgottenWhereTheDriverGaveThemBack) {
  driver.tells = false;
  driver.rings = 1;
  make(1500).start();
  port->stop();
  port->reconfigure(9000, maker());
  port->start();
  EXPECT_TRUE(larger_buffers_help(*port));
  EXPECT_THAT(split_frames_text(*port), HasSubstr("16512 bytes"));
}

/// Imitates a driver that splits frames, with a loopback: a callback cuts each received frame in
/// two.
struct SplitPort : testing::Test {
  SplitPort() {
    PortOptions o;
    o.id = loopback.port_id();
    port.emplace(o, pool);
    callback = rte_eth_add_rx_callback(o.id, 0, cut, this);
    EXPECT_NE(callback, nullptr);
    port->start();
  }
  ~SplitPort() override { (void)rte_eth_remove_rx_callback(port->id(), 0, callback); }

  static std::uint16_t cut(std::uint16_t, std::uint16_t, rte_mbuf** frames, std::uint16_t n,
                           std::uint16_t, void* self) {
    for (std::uint16_t i = 0; i < n; ++i) {
      rte_mbuf* first = frames[i];
      rte_mbuf* second =
          rte_pktmbuf_alloc(static_cast<SplitPort*>(self)->pool.mempool());  // as drivers do
      constexpr std::uint16_t kFirst = 40;
      const auto rest = static_cast<std::uint16_t>(first->data_len - kFirst);
      std::memcpy(rte_pktmbuf_append(second, rest), rte_pktmbuf_mtod_offset(first, char*, kFirst),
                  rest);
      first->data_len = kFirst;
      first->next = second;
      first->nb_segs = 2;
    }
    return n;
  }

  FullPool pool{receiving_pool(6)};
  Loopback loopback;
  std::optional<Port> port;
  const rte_eth_rxtx_callback* callback = nullptr;
};

TEST_F(SplitPort, AFrameIsGatheredAndNothingIsLostOrLeftOver) {
  Framer framer;
  for (int round = 0; round < 10; ++round) {
    const test::Bytes bytes = MadeFrame{}.bytes();
    rte_mbuf* m = test::frame_of(pool, static_cast<std::uint16_t>(bytes.size()));
    std::memcpy(rte_pktmbuf_mtod(m, void*), bytes.data(), bytes.size());
    ASSERT_EQ(port->tx(0).send(std::span(&m, 1)), 1U);
    std::array<rte_mbuf*, 4> burst;
    ASSERT_EQ(port->rx(0).receive(burst), 1U);
    EXPECT_EQ(port->rx(0).counters().bytes, bytes.size() * static_cast<unsigned>(round + 1));
    ReceivedFrame frame = framer.accept(burst[0]);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame.bytes().size(), bytes.size());
    EXPECT_EQ(frame.left(), 2U);
  }
  EXPECT_EQ(framer.stats().gathered, 10U);
  EXPECT_EQ(framer.stats().frames, 10U);
  EXPECT_EQ(framer.drops().total(DropUnit::kFrame), 0U);
}

TEST_F(SplitPort, ADrainFreesEveryPieceOfAFrame) {
  rte_mbuf* m = test::frame_of(pool, 100);
  ASSERT_EQ(port->tx(0).send(std::span(&m, 1)), 1U);
  EXPECT_EQ(port->drain(), 1U);
}

}  // namespace
}  // namespace bab
