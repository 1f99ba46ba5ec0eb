#include <bab/memory/buffer_pool.hpp>

#include <array>
#include <atomic>
#include <cstring>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/memory/packet.hpp>

#include "full_pool.hpp"
#include "heap_counter.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::small_pool;
using testing::HasSubstr;

std::string error_of(const BufferPoolOptions& options) {
  try {
    const BufferPool pool(options);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(BufferPool, GivesEachBufferOnceAndThenNone) {
  FullPool pool(4);
  std::array<rte_mbuf*, 4> held;
  for (rte_mbuf*& m : held) ASSERT_NE(m = pool.try_acquire(), nullptr);
  EXPECT_EQ(std::set<rte_mbuf*>(held.begin(), held.end()).size(), 4U);
  EXPECT_EQ(pool.try_acquire(), nullptr);
  EXPECT_EQ(pool.in_use(), 4U);
  EXPECT_EQ(pool.available(), 0U);
  BufferPool::release(held);
}

TEST(BufferPool, TakesAReleasedBufferBackAtOnce) {
  FullPool pool(2);
  for (int i = 0; i < 100; ++i) {
    rte_mbuf* a = pool.try_acquire();
    rte_mbuf* b = pool.try_acquire();
    ASSERT_NE(a, nullptr);
    ASSERT_NE(b, nullptr);
    ASSERT_EQ(pool.try_acquire(), nullptr);
    BufferPool::release(a);
    BufferPool::release(b);
  }
}

TEST(BufferPool, BulkIsAllOrNothing) {
  FullPool pool(4);
  std::array<rte_mbuf*, 3> three;
  std::array<rte_mbuf*, 2> two;
  ASSERT_TRUE(pool.try_acquire(three));
  EXPECT_FALSE(pool.try_acquire(two));
  EXPECT_EQ(pool.in_use(), 3U);
  BufferPool::release(three);
  ASSERT_TRUE(pool.try_acquire(two));
  BufferPool::release(two);
}

TEST(BufferPool, BulkOfNoneIsAlwaysFilled) {
  FullPool pool(2);
  std::array<rte_mbuf*, 2> all;
  EXPECT_TRUE(pool.try_acquire(std::span<rte_mbuf*>()));
  ASSERT_TRUE(pool.try_acquire(all));
  EXPECT_TRUE(pool.try_acquire(std::span<rte_mbuf*>()));
  BufferPool::release(all);
}

TEST(BufferPool, BulkReleasePassesOverNulls) {
  FullPool pool(3);
  BufferPool::release(std::span<rte_mbuf* const>());
  const std::array<rte_mbuf*, 5> some{nullptr, pool.try_acquire(), nullptr, pool.try_acquire(),
                                      nullptr};
  BufferPool::release(some);
}

TEST(BufferPool, BulkReleaseSortsOutMixedPools) {
  FullPool a(4);
  FullPool b(4);
  std::array<rte_mbuf*, 8> mixed;
  for (std::size_t i = 0; i < mixed.size(); ++i)
    mixed[i] = (i % 3 == 0 || i == 1 ? a : b).try_acquire();
  BufferPool::release(mixed);
  EXPECT_EQ(a.available(), 4U);
  EXPECT_EQ(b.available(), 4U);
}

TEST(BufferPool, BulkReleaseOfMoreThanARunGoesBackWhole) {
  FullPool pool(150);
  std::vector<rte_mbuf*> all(150);
  ASSERT_TRUE(pool.try_acquire(all));
  BufferPool::release(all);
}

TEST(BufferPool, BulkReleaseGivesUpOneShareOnly) {
  FullPool pool(2);
  rte_mbuf* m = pool.try_acquire();
  Shares<>::take(m, 2);
  const std::array<rte_mbuf*, 2> twice{m, m};
  BufferPool::release(twice);
  EXPECT_EQ(pool.in_use(), 1U);
  EXPECT_EQ(Shares<>::count(m), 1U);
  BufferPool::release(m);
}

TEST(BufferPool, GivesAnEmptyBufferWhateverItsLastUserLeftInIt) {
  FullPool pool(1);
  rte_mbuf* m = pool.try_acquire();
  ASSERT_NE(rte_pktmbuf_append(m, 100), nullptr);
  m->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_RX_IP_CKSUM_BAD;
  m->vlan_tci = 7;
  m->l2_len = 14;
  m->data_off = 3;
  BufferPool::release(m);
  m = pool.try_acquire();
  EXPECT_EQ(m->data_len, 0);
  EXPECT_EQ(m->pkt_len, 0U);
  EXPECT_EQ(m->ol_flags, 0U);
  EXPECT_EQ(m->vlan_tci, 0);
  EXPECT_EQ(m->tx_offload, 0U);
  EXPECT_EQ(m->data_off, RTE_PKTMBUF_HEADROOM);
  EXPECT_EQ(m->nb_segs, 1);
  EXPECT_EQ(m->next, nullptr);
  EXPECT_EQ(Shares<>::count(m), 1U);
  BufferPool::release(m);
}

TEST(BufferPool, NumbersItsBuffersFromZero) {
  FullPool pool(5);
  std::array<rte_mbuf*, 5> all;
  ASSERT_TRUE(pool.try_acquire(all));
  std::set<std::uint32_t> ids;
  for (rte_mbuf* m : all) {
    EXPECT_EQ(buffer_meta(m).home->mempool(), pool.mempool());
    ids.insert(buffer_meta(m).id);
  }
  EXPECT_THAT(ids, testing::ElementsAre(0, 1, 2, 3, 4));
  BufferPool::release(all);
}

TEST(BufferPool, BuffersCanBeFilledToTheirLastByte) {
  BufferPoolOptions options = small_pool(2);
  options.data_room = RTE_PKTMBUF_HEADROOM + 77;
  FullPool pool(options);
  std::array<rte_mbuf*, 2> both;
  ASSERT_TRUE(pool.try_acquire(both));
  for (rte_mbuf* m : both) {
    char* data = rte_pktmbuf_append(m, 77);
    ASSERT_NE(data, nullptr);
    EXPECT_EQ(rte_pktmbuf_append(m, 1), nullptr);
    std::memset(data, 0xff, 77);
    m->data_off = 0;
    std::memset(rte_pktmbuf_mtod(m, char*), 0xff, options.data_room);
  }
  BufferPool::release(both);
  ASSERT_TRUE(pool.try_acquire(both));
  BufferPool::release(both);
}

TEST(BufferPool, HoldsBuffersOfTheLargestSize) {
  BufferPoolOptions options = small_pool(2);
  options.data_room = 65535;
  FullPool pool(options);
  EXPECT_EQ(pool.data_room(), 65535);
  rte_mbuf* m = pool.try_acquire();
  EXPECT_EQ(m->buf_len, 65535);
  BufferPool::release(m);
}

TEST(BufferPool, KnowsItsBuffersAndNoOthers) {
  FullPool pool(2);
  rte_mempool* foreign = rte_pktmbuf_pool_create("foreign", 2, 0, 0, 256, SOCKET_ID_ANY);
  ASSERT_NE(foreign, nullptr);
  rte_mbuf* ours = pool.try_acquire();
  rte_mbuf* theirs = rte_pktmbuf_alloc(foreign);
  EXPECT_EQ(BufferPool::of(ours), &pool);
  EXPECT_EQ(BufferPool::of(theirs), nullptr);
  BufferPool::release(ours);
  rte_pktmbuf_free(theirs);
  rte_mempool_free(foreign);
}

TEST(BufferPool, TakesBackWhatADriverFrees) {
  FullPool pool(2);
  for (int i = 0; i < 4; ++i) {
    rte_mbuf* m = pool.try_acquire();
    ASSERT_NE(m, nullptr);
    rte_pktmbuf_free_seg(m);
  }
}

TEST(BufferPool, ServesAThreadWithoutAnLcoreId) {
  FullPool pool(small_pool(16, 2));
  std::thread([&] {
    ASSERT_EQ(rte_lcore_id(), LCORE_ID_ANY);
    std::array<rte_mbuf*, 3> three;
    rte_mbuf* one = pool.try_acquire();
    ASSERT_NE(one, nullptr);
    ASSERT_TRUE(pool.try_acquire(three));
    BufferPool::release(three);
    BufferPool::release(one);
  }).join();
}

TEST(BufferPool, SaysWhoHoldsWhat) {
  FullPool pool(4);
  EXPECT_TRUE(pool.holders(9).empty());
  rte_mbuf* in_a_queue = pool.try_acquire();
  rte_mbuf* in_a_packet = pool.try_acquire();
  Shares<>::take(in_a_packet);
  {
    const PacketSource source(in_a_packet, 2);
    const std::vector<BufferHolder> found = pool.holders(9);
    ASSERT_EQ(found.size(), 2U);
    const bool swapped = found[0].buffer_id != buffer_meta(in_a_queue).id;
    const BufferHolder& queue = found[swapped ? 1 : 0];
    const BufferHolder& packet = found[swapped ? 0 : 1];
    EXPECT_EQ(queue.shares, 1);
    EXPECT_TRUE(queue.lcores.empty());
    EXPECT_EQ(packet.buffer_id, buffer_meta(in_a_packet).id);
    EXPECT_EQ(packet.shares, 2);
    EXPECT_THAT(packet.lcores, testing::ElementsAre(0U));
    EXPECT_EQ(pool.holders(1).size(), 1U);
  }
  BufferPool::release(in_a_queue);
}

TEST(BufferPool, SayingWhoHoldsWhatTakesNothingFromThoseWhoWork) {
#ifdef BAB_TSAN
  GTEST_SKIP() << "it looks at memory that others write, on purpose";
#endif
  FullPool pool(1);
  std::atomic<bool> over{false};
  std::thread looks([&] {
    while (!over) EXPECT_LE(pool.holders(9).size(), 1U);
  });
  int missed = 0;
  for (int i = 0; i < 20'000; ++i) {
    rte_mbuf* m = pool.try_acquire();
    if (m != nullptr)
      BufferPool::release(m);
    else
      ++missed;
  }
  over = true;
  looks.join();
  EXPECT_EQ(missed, 0);
}

TEST(BufferPool, RefusesImpossibleSizesWithTheNumbers) {
  BufferPoolOptions none = small_pool(0);
  EXPECT_THAT(error_of(none), HasSubstr("0 buffers asked for"));
  BufferPoolOptions too_many = small_pool(0xffff'ffff);
  EXPECT_THAT(error_of(too_many), HasSubstr("4294967295 buffers asked for"));
  BufferPoolOptions no_room = small_pool(2);
  no_room.data_room = RTE_PKTMBUF_HEADROOM;
  EXPECT_THAT(error_of(no_room), HasSubstr("headroom of 128"));
  EXPECT_THAT(error_of(small_pool(1024, 513)), HasSubstr("512"));
  EXPECT_THAT(error_of(small_pool(4, 512)), HasSubstr("no error"));
  EXPECT_THAT(error_of(small_pool(4, 0, 129)), HasSubstr("129 lcores are more than DPDK's 128"));
}

TEST(BufferPool, RefusesMoreThanTheMemoryThereIs) {
  BufferPoolOptions options = small_pool(1'000'000);
  options.data_room = 65535;
  EXPECT_THAT(error_of(options), HasSubstr("more memory"));
}

TEST(BufferPool, LeavesNothingBehindWhereTheHeapFailsIt) {
  if (!test::kCountsHeapCalls) GTEST_SKIP() << "sanitizers have a heap of their own";
  const BufferPoolOptions options = small_pool(4);
  for (std::uint64_t fails_at = 1;; ++fails_at) {
    test::HeapCounter::fails_at = fails_at;
    try {
      const BufferPool pool(options);
      const bool has_failed = std::exchange(test::HeapCounter::fails_at, 0) == 0;
      ASSERT_FALSE(has_failed) << "call " << fails_at << " failed and nobody heard of it";
      EXPECT_GT(fails_at, 2U);
      break;
    } catch (const std::bad_alloc&) {
      ASSERT_EQ(rte_mempool_lookup(options.name.c_str()), nullptr) << "after " << fails_at;
    }
  }
}

TEST(BufferPool, RefusesANameInUseAndALongOne) {
  BufferPoolOptions options = small_pool(2);
  options.name = std::string(25, 'n');
  FullPool pool(options);
  EXPECT_THAT(error_of(options), HasSubstr(options.name));
  EXPECT_THAT(error_of(options), HasSubstr("a mempool of that name exists"));
  options.name = std::string(26, 'm');
  EXPECT_THAT(error_of(options), HasSubstr(options.name));
  EXPECT_THAT(error_of(options), HasSubstr("26 characters is too long; it takes 1 to 25"));
  options.name = "";
  EXPECT_THAT(error_of(options), HasSubstr("has no name; give it one of 1 to 25 characters"));
}

TEST(BufferPool, ItsNameIsFreeAgainAfterwards) {
  const BufferPoolOptions options = small_pool(2);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(error_of(options), "no error");
}

}  // namespace
}  // namespace bab
