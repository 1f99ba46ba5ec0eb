#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>
#include <bab/memory/send_packet.hpp>

#include "foreign_buffers.hpp"
#include "full_pool.hpp"
#include "lcores.hpp"
#include "packets.hpp"

namespace bab {
namespace {

using test::expect_all_plain;
using test::FullPool;
using test::HostPool;
using test::LentMemory;

constexpr std::array<std::uint8_t, 5> kHello{'h', 'e', 'l', 'l', 'o'};

/// Releases buffers one by one or, if the parameter is true, in bulk.
struct ForeignBuffer : testing::TestWithParam<bool> {
  static void release(rte_mbuf* m) {
    if (GetParam())
      BufferPool::release(std::span<rte_mbuf* const>(&m, 1));
    else
      BufferPool::release(m);
  }

  FullPool pool{4};
  HostPool host;
  LentMemory lent;
};
INSTANTIATE_TEST_SUITE_P(OneByOneAndInBulk, ForeignBuffer, testing::Bool());

TEST_P(ForeignBuffer, C02_AnIndirectCloneGoesBackAndItsDirectMbufStaysTheHosts) {
  rte_mbuf* direct = host.buffer(kHello);
  rte_mbuf* clone = rte_pktmbuf_clone(direct, pool.mempool());
  ASSERT_NE(clone, nullptr);
  EXPECT_FALSE(BufferPool::is_plain(clone));
  release(clone);
  EXPECT_EQ(rte_mbuf_refcnt_read(direct), 1);
  EXPECT_EQ(pool.stats().detached, 1U);
  expect_all_plain(pool);
  EXPECT_EQ(*rte_pktmbuf_mtod(direct, char*), 'h') << "the host's bytes are its own";
  rte_pktmbuf_free(direct);
}

TEST_P(ForeignBuffer, TheLastCloneFreesTheDirectMbuf) {
  rte_mbuf* direct = host.buffer(kHello);
  rte_mbuf* clone = rte_pktmbuf_clone(direct, pool.mempool());
  rte_pktmbuf_free(direct);
  EXPECT_EQ(host.in_use(), 1U);
  release(clone);
  EXPECT_EQ(host.in_use(), 0U);
  expect_all_plain(pool);
}

TEST_P(ForeignBuffer, ACloneOfABabBufferFreesThatToo) {
  FullPool other(2);
  rte_mbuf* direct = test::buffer_with(other, "hello");
  rte_mbuf* clone = rte_pktmbuf_clone(direct, pool.mempool());
  BufferPool::release(direct);
  EXPECT_EQ(other.in_use(), 1U);
  release(clone);
  EXPECT_EQ(other.in_use(), 0U);
  expect_all_plain(other);
  expect_all_plain(pool);
}

TEST_P(ForeignBuffer, C02b_ExternalMemoryIsGivenBackToItsOwner) {
  rte_mbuf* m = lent.attached(pool, kHello);
  EXPECT_FALSE(BufferPool::is_plain(m));
  release(m);
  EXPECT_EQ(lent.returned, 1);
  EXPECT_EQ(pool.stats().detached, 1U);
  expect_all_plain(pool);
}

TEST_P(ForeignBuffer, OnlyTheLastShareDetaches) {
  rte_mbuf* m = lent.attached(pool, kHello);
  Shares<>::take(m);
  release(m);
  EXPECT_EQ(lent.returned, 0);
  release(m);
  EXPECT_EQ(lent.returned, 1);
}

TEST_P(ForeignBuffer, TheSegmentsOfAFrameGoWithIt) {
  FullPool other(2);
  rte_mbuf* first = test::buffer_with(pool, "one");
  first->next = test::buffer_with(other, "two");
  first->next->next = lent.attached(pool, kHello);
  first->next->next->next = host.buffer(kHello);
  first->nb_segs = 4;
  Shares<>::take(first->next);
  rte_mbuf* shared = first->next;
  release(first);
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_EQ(lent.returned, 1);
  EXPECT_EQ(host.in_use(), 0U);
  EXPECT_EQ(other.in_use(), 1U) << "somebody else has a share of it";
  shared->next = nullptr;
  release(shared);
  expect_all_plain(pool);
}

TEST_P(ForeignBuffer, AHostsMbufGoesToTheHostsPool) {
  release(host.buffer(kHello));
  EXPECT_EQ(host.in_use(), 0U);
  EXPECT_EQ(pool.stats().detached, 0U);
}

TEST_P(ForeignBuffer, AHostsCloneOfABabBufferGoesToTheHostsPool) {
  rte_mbuf* direct = test::buffer_with(pool, "hello");
  rte_mbuf* clone = rte_pktmbuf_clone(direct, host.raw());
  BufferPool::release(direct);
  EXPECT_EQ(pool.in_use(), 1U);
  release(clone);
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_EQ(host.in_use(), 0U);
  expect_all_plain(pool);
}

TEST(ForeignBuffers, OfSeveralPoolsGoBackInOneBulk) {
  FullPool pool(8), other(8);
  const HostPool host;
  LentMemory lent;
  rte_mbuf* direct = host.buffer(kHello);
  std::array<rte_mbuf*, 8> bulk{test::buffer_with(pool, "a"),
                                rte_pktmbuf_clone(direct, pool.mempool()),
                                nullptr,
                                host.buffer(kHello),
                                host.buffer(kHello),
                                lent.attached(pool, kHello),
                                test::buffer_with(other, "b"),
                                direct};
  BufferPool::release(bulk);
  EXPECT_EQ(lent.returned, 1);
  EXPECT_EQ(host.in_use(), 0U);
  EXPECT_EQ(pool.stats().detached, 2U);
  expect_all_plain(pool);
  expect_all_plain(other);
}

TEST(ForeignBuffers, PinnedMemoryStaysWithItsMbuf) {
  alignas(64) static std::array<std::uint8_t, 4 * 2048> memory;
  const rte_pktmbuf_extmem area{memory.data(), RTE_BAD_IOVA, memory.size(), 2048};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \
    "-Wdeprecated-declarations"  // unchanged since DPDK 20.02, still experimental
  rte_mempool* pinned =
      rte_pktmbuf_pool_create_extbuf("pinned", 4, 0, 0, 2048, SOCKET_ID_ANY, &area, 1);
#pragma GCC diagnostic pop
  ASSERT_NE(pinned, nullptr);
  rte_mbuf* m = rte_pktmbuf_alloc(pinned);
  ASSERT_NE(m, nullptr);
  BufferPool::release(m);
  EXPECT_EQ(rte_mempool_in_use_count(pinned), 0U);
  m = rte_pktmbuf_alloc(pinned);
  EXPECT_TRUE(RTE_MBUF_HAS_EXTBUF(m));
  rte_pktmbuf_free(m);
  rte_mempool_free(pinned);
}

TEST(ForeignBuffers, APacketOfExternalMemoryKeepsItUntilTheLastLcoreIsDone) {
  FullPool pool(2);
  LentMemory lent;
  rte_mbuf* m = lent.attached(pool, kHello);
  Packet mine = PacketSource(m, 1).packet(lent.memory.data(), 5);
  SendPacket sent = mine.clone().send();
  mine = Packet();
  test::on_lcore(1, [&] {
    EXPECT_EQ(lent.returned, 0);
    EXPECT_EQ(test::text_of(sent.receive()), "hello");
  });
  EXPECT_EQ(lent.returned, 1);
  expect_all_plain(pool);
}

TEST(CopyOf, GathersAChainWithWhatTheNicSaid) {
  FullPool pool(2);
  const HostPool host;
  rte_mbuf* first = host.buffer(kHello);
  first->next = host.buffer(kHello);
  first->nb_segs = 2;
  first->pkt_len = 10;
  first->ol_flags = RTE_MBUF_F_RX_RSS_HASH;
  first->hash.rss = 77;
  rte_mbuf* copy = pool.copy_of(first);
  rte_pktmbuf_free(first);
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(std::string(rte_pktmbuf_mtod(copy, char*), copy->data_len), "hellohello");
  EXPECT_EQ(copy->pkt_len, 10U);
  EXPECT_EQ(copy->hash.rss, 77U);
  EXPECT_EQ(copy->ol_flags, RTE_MBUF_F_RX_RSS_HASH);
  EXPECT_TRUE(BufferPool::is_plain(copy));
  BufferPool::release(copy);
}

TEST(CopyOf, IsNoneWhereItDoesNotFitOrNoBufferIsFree) {
  BufferPoolOptions options = test::small_pool(1);
  options.data_room = RTE_PKTMBUF_HEADROOM + 4;
  FullPool small(options);
  FullPool one(1);
  const HostPool host;
  rte_mbuf* m = host.buffer(kHello);
  EXPECT_EQ(small.copy_of(m), nullptr);
  rte_mbuf* all = one.try_acquire();
  EXPECT_EQ(one.copy_of(m), nullptr);
  BufferPool::release(all);
  rte_pktmbuf_free(m);
}

}  // namespace
}  // namespace bab
