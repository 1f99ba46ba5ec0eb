#include <bab/port/queues.hpp>

#include <array>
#include <vector>

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <bab/message/write_flusher.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/port.hpp>

#include "foreign_buffers.hpp"
#include "full_pool.hpp"
#include "test_port.hpp"

namespace bab {
namespace {

using test::frames_of;
using test::FullPool;
using test::receiving_pool;

static_assert(FrameSink<TxQueue>);

/// A started loopback port. Its driver's tx_prepare refuses every frame of `kRefusedBytes`.
class Queues : public testing::Test {
 protected:
  static constexpr std::uint16_t kRefusedBytes = 666;

  Queues() : loopback_(1, 4), port_(options(loopback_), pool_) {
    port_.start();
    rte_eth_fp_ops[loopback_.port_id()].tx_pkt_prepare = [](void*, rte_mbuf** frames,
                                                            std::uint16_t n) {
      for (std::uint16_t i = 0; i < n; ++i)
        if (frames[i]->pkt_len == kRefusedBytes) return i;
      return n;
    };
  }
  ~Queues() override { port_.drain(); }

  static PortOptions options(const Loopback& loopback) {
    PortOptions o;
    o.id = loopback.port_id();
    return o;
  }

  TxQueue preparing() { return {loopback_.port_id(), 0, true}; }

  FullPool pool_{receiving_pool(12)};
  Loopback loopback_;
  Port port_;
};

TEST_F(Queues, ReceiveNothingFromAnEmptyQueue) {
  std::array<rte_mbuf*, 4> out;
  EXPECT_EQ(port_.rx(0).receive(out), 0U);
  EXPECT_EQ(port_.rx(0).receive({}), 0U);
  EXPECT_EQ(port_.rx(0).counters().frames, 0U);
}

TEST_F(Queues, ReceiveInOrderAndNoMoreThanAskedFor) {
  std::vector<rte_mbuf*> sent = frames_of(pool_, {60, 70, 80});
  ASSERT_EQ(port_.tx(0).send(sent), 3U);
  std::array<rte_mbuf*, 2> out;
  ASSERT_EQ(port_.rx(0).receive(out), 2U);
  EXPECT_EQ(out[0], sent[0]);
  EXPECT_EQ(out[1], sent[1]);
  EXPECT_EQ(port_.rx(0).counters().frames, 2U);
  EXPECT_EQ(port_.rx(0).counters().bytes, 130U);
  BufferPool::release(out);
}

TEST_F(Queues, KeepARingNearAndSendNothing) {
  static unsigned bursts, frames;
  bursts = frames = 0;
  const auto counting = [](void*, rte_mbuf**, std::uint16_t n) -> std::uint16_t {
    ++bursts;
    frames += n;
    return 0;
  };
  rte_eth_fp_ops[loopback_.port_id()].tx_pkt_burst = counting;
  port_.tx(0).keep_near();
  EXPECT_EQ(bursts, 1U);
  EXPECT_EQ(frames, 0U);
  preparing().keep_near();  // a queue whose port isn't known to be a ring
  EXPECT_EQ(bursts, 1U);
  port_.stop();  // on a stopped port, DPDK would print a line and a stack trace for a burst
  rte_eth_fp_ops[loopback_.port_id()].tx_pkt_burst = counting;
  port_.tx(0).keep_near();
  EXPECT_EQ(bursts, 1U);
  port_.start();

  port_.tx(0).keep_near();
  EXPECT_EQ(loopback_.queued(), 0U);
  EXPECT_EQ(port_.tx(0).counters().frames, 0U);
  std::vector<rte_mbuf*> sent = frames_of(pool_, {60, 60, 60, 60, 60});
  ASSERT_EQ(port_.tx(0).send(sent), 4U);
  port_.tx(0).keep_near();  // the ring is full
  EXPECT_EQ(loopback_.queued(), 4U);
  BufferPool::release(sent[4]);
}

TEST_F(Queues, SendNothing) {
  EXPECT_EQ(port_.tx(0).send({}), 0U);
  TxQueue queue = preparing();
  EXPECT_EQ(queue.send({}), 0U);
  EXPECT_EQ(queue.drops().total(DropUnit::kFrame), 0U);
}

TEST_F(Queues, SendAndCountOnlyWhatFits) {
  std::vector<rte_mbuf*> sent = frames_of(pool_, {60, 61, 62, 63, 1000, 1001});
  EXPECT_EQ(port_.tx(0).send(sent), 4U);
  EXPECT_EQ(port_.tx(0).counters().frames, 4U);
  EXPECT_EQ(port_.tx(0).counters().bytes, 60U + 61 + 62 + 63);
  BufferPool::release(std::span<rte_mbuf* const>(sent).last(2));
}

TEST_F(Queues, DoNotPrepareWithoutOffloads) {
  std::vector<rte_mbuf*> sent = frames_of(pool_, {kRefusedBytes});
  EXPECT_EQ(port_.tx(0).send(sent), 1U);
  EXPECT_EQ(port_.tx(0).counters().frames, 1U);
}

TEST_F(Queues, RefusedFrameIsTakenFreedAndCounted) {
  TxQueue queue = preparing();
  std::vector<rte_mbuf*> sent = frames_of(pool_, {60, kRefusedBytes, 61});
  buffer_meta(sent[1]).messages = 7;
  buffer_meta(sent[1]).payload_len = 7 * (2 + 3);
  EXPECT_EQ(queue.send(sent), 2U);
  EXPECT_EQ(queue.counters().frames, 1U);
  EXPECT_EQ(queue.counters().bytes, 60U);
  EXPECT_EQ(queue.drops()[Drop::kTxRefused], 1U);
  EXPECT_EQ(queue.drops().total(DropUnit::kFrame), 1U);
  EXPECT_EQ(queue.refused_messages(), 7U);
  EXPECT_EQ(queue.refused_bytes(), 21U);
  EXPECT_EQ(pool_.in_use(), 2U);
  EXPECT_EQ(queue.send(std::span(sent).last(1)), 1U) << "what comes behind it goes on";
  EXPECT_EQ(queue.counters().bytes, 121U);
}

TEST_F(Queues, RefusedFrameAtTheFrontIsTakenToo) {
  TxQueue queue = preparing();
  std::vector<rte_mbuf*> sent = frames_of(pool_, {kRefusedBytes, kRefusedBytes, 60});
  for (rte_mbuf* m : sent) buffer_meta(m).messages = 1;
  EXPECT_EQ(queue.send(sent), 1U);
  EXPECT_EQ(queue.send(std::span(sent).last(2)), 1U);
  EXPECT_EQ(queue.send(std::span(sent).last(1)), 1U);
  EXPECT_EQ(queue.drops()[Drop::kTxRefused], 2U);
  EXPECT_EQ(queue.refused_messages(), 2U);
}

TEST_F(Queues, RefusedFrameWaitsForThoseInFrontOfIt) {
  TxQueue queue = preparing();
  std::vector<rte_mbuf*> sent = frames_of(pool_, {60, 60, 60, 60, 60, kRefusedBytes});
  buffer_meta(sent.back()).messages = 1;
  EXPECT_EQ(queue.send(sent), 4U) << "the ring holds four";
  EXPECT_EQ(queue.drops().total(DropUnit::kFrame), 0U);
  EXPECT_EQ(queue.send(std::span(sent).last(2)), 0U);
  EXPECT_EQ(port_.drain(), 4U);
  EXPECT_EQ(queue.send(std::span(sent).last(2)), 2U);
  EXPECT_EQ(queue.drops()[Drop::kTxRefused], 1U);
}

TEST_F(Queues, RefusedFrameGivesUpOneShareOnly) {
  TxQueue queue = preparing();
  std::vector<rte_mbuf*> sent = frames_of(pool_, {kRefusedBytes});
  buffer_meta(sent[0]).messages = 1;
  Shares<>::take(sent[0]);
  EXPECT_EQ(queue.send(sent), 1U);
  EXPECT_EQ(pool_.in_use(), 1U) << "somebody still has a Packet of it";
  EXPECT_EQ(Shares<>::count(sent[0]), 1);
  BufferPool::release(sent[0]);
}

TEST_F(Queues, RefusedFrameOfAForeignPoolIsFreedToo) {
  rte_mempool* foreign = rte_pktmbuf_pool_create("foreign_tx", 2, 0, 0, 1024, SOCKET_ID_ANY);
  ASSERT_NE(foreign, nullptr);
  rte_mbuf* m = rte_pktmbuf_alloc(foreign);
  ASSERT_NE(rte_pktmbuf_append(m, kRefusedBytes), nullptr);
  TxQueue queue = preparing();
  EXPECT_EQ(queue.send(std::span(&m, 1)), 1U);
  EXPECT_EQ(queue.drops()[Drop::kTxRefused], 1U);
  EXPECT_EQ(queue.refused_messages(), 0U);
  EXPECT_EQ(rte_mempool_avail_count(foreign), 2U);
  rte_mempool_free(foreign);
}

TEST_F(Queues, RefusedFrameInMemoryOfTheApplicationGoesBackToIt) {
  test::LentMemory lent;
  rte_mbuf* m = lent.attached(pool_, std::vector<std::uint8_t>(kRefusedBytes));
  buffer_meta(m).messages = 9;  // left from a frame that the buffer held before
  TxQueue queue = preparing();
  EXPECT_EQ(queue.send(std::span(&m, 1)), 1U);
  EXPECT_EQ(queue.drops()[Drop::kTxRefused], 1U);
  EXPECT_EQ(queue.refused_messages(), 0U);
  EXPECT_EQ(lent.returned, 1);
  test::expect_all_plain(pool_);
}

TEST_F(Queues, FramesInMemoryOfTheApplicationPassAPortOfRings) {
  test::LentMemory lent;
  rte_mbuf* m = lent.attached(pool_, std::vector<std::uint8_t>(100));
  ASSERT_EQ(port_.tx(0).send(std::span(&m, 1)), 1U);
  std::array<rte_mbuf*, 2> got;
  ASSERT_EQ(port_.rx(0).receive(got), 1U);
  EXPECT_EQ(got[0], m);
  BufferPool::release(std::span<rte_mbuf* const>(got).first(1));
  EXPECT_EQ(lent.returned, 1);
  test::expect_all_plain(pool_);
}

TEST_F(Queues, TakeSpansLongerThanABurstCanBe) {
  // DPDK counts a burst in 16 bits. A span of 65,536 frames must not look like an empty one.
  std::vector<rte_mbuf*> sent = frames_of(pool_, {60, 61, 62, 63});
  sent.resize(65'536, sent.back());
  EXPECT_EQ(port_.tx(0).send(sent), 4U);
  EXPECT_EQ(port_.tx(0).counters().bytes, 60U + 61 + 62 + 63);
  std::vector<rte_mbuf*> got(65'536);
  EXPECT_EQ(port_.rx(0).receive(got), 4U);
  BufferPool::release(std::span<rte_mbuf* const>(got).first(4));
}

}  // namespace
}  // namespace bab
