#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include <bab/detail/dpdk/mempool_cache.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/registration.hpp>
#include <bab/memory/buffer_pool.hpp>

#include "full_pool.hpp"
#include "lcores.hpp"
#include "sim_machine.hpp"

namespace bab {
namespace {

using test::AsLcore;
using test::cached;
using test::FullPool;
using test::small_pool;
using test::Turning;

std::vector<rte_mbuf*> take_all(BufferPool& pool) {
  std::vector<rte_mbuf*> held;
  while (rte_mbuf* m = pool.try_acquire()) held.push_back(m);
  return held;
}

void turn_on(unsigned lcore) {
  const AsLcore as(lcore);
  BufferPool::relieve();
}

TEST(LcoreCaches, TogetherHoldAQuarterOfThePoolAtMost) {
  for (const std::uint32_t buffers : {1U, 15U, 16U, 64U, 255U, 1024U, 6000U, 100'000U})
    for (const unsigned lcores : {1U, 2U, 4U, 7U, 128U})
      for (const std::uint32_t asked : {0U, 1U, 3U, 250U, 512U}) {
        const LcoreCaches caches(asked, buffers, lcores);
        EXPECT_LE(std::uint64_t{caches.most()} * lcores, buffers / 4);
        EXPECT_LE(caches.most(), asked * 3 / 2);
        EXPECT_LE(caches.size(), caches.most());
        EXPECT_EQ(caches.size() == 0, caches.most() == 0);
      }
  EXPECT_EQ(LcoreCaches(250, 6000, 4).size(), 250U) << "as testpmd's, where there is room";
  EXPECT_EQ(LcoreCaches(250, 6000, 4).most(), 375U);
}

TEST(LcoreCaches, AreClosedWhereNobodyTurns) {
  FullPool pool(small_pool(64, 8, 1));
  std::vector<rte_mbuf*> all = take_all(pool);
  ASSERT_EQ(all.size(), 64U);
  BufferPool::release(all);
  EXPECT_EQ(cached(pool), 0U);
  all = take_all(pool);
  for (rte_mbuf* m : all) BufferPool::release(m);
  EXPECT_EQ(cached(pool), 0U);
  all = take_all(pool);
  for (rte_mbuf* m : all) rte_pktmbuf_free_seg(m);  // as a driver does
  EXPECT_EQ(cached(pool), 0U);
}

TEST(LcoreCaches, AreOpenWhileTheLcoreTurns) {
  FullPool pool(small_pool(64, 8, 1));
  {
    const Turning turning;
    BufferPool::release(pool.try_acquire());
    EXPECT_EQ(cached(pool), 9U) << "filled up by 8 beside the one that was asked for";
    BufferPool::relieve();
    EXPECT_EQ(cached(pool), 9U) << "nobody needs them";
  }
  EXPECT_EQ(cached(pool), 0U);
  BufferPool::release(pool.try_acquire());
  EXPECT_EQ(cached(pool), 0U);
}

TEST(LcoreCaches, ALoopThatRunsOpensThoseOfAPoolThatComesLater) {
  const Turning turning;
  FullPool pool(small_pool(64, 8, 1));
  BufferPool::release(pool.try_acquire());
  EXPECT_EQ(cached(pool), 0U);
  BufferPool::relieve();
  BufferPool::release(pool.try_acquire());
  EXPECT_EQ(cached(pool), 9U);
}

// An lcore that only tries, without acquire() or reserve_wait(), gets the same help as one that
// waits.
TEST(LcoreCaches, C11WhoeverTriesFindsWhatAnotherLcoreKeeps) {
  FullPool pool(small_pool(64, 8, 2));
  std::vector<rte_mbuf*> all = take_all(pool);
  turn_on(1);
  {
    const AsLcore as(1);
    BufferPool::release(std::span<rte_mbuf* const>(all).first(5));
  }
  ASSERT_EQ(pool.available(), 5U);
  EXPECT_EQ(cached(pool), 5U);
  EXPECT_EQ(pool.try_acquire(), nullptr);
  turn_on(1);
  rte_mbuf* m = pool.try_acquire();
  EXPECT_NE(m, nullptr);
  if (m != nullptr) BufferPool::release(m);
  BufferPool::release(std::span<rte_mbuf* const>(all).subspan(5));
  const AsLcore as(1);
  BufferPool::empty_caches();
}

TEST(LcoreCaches, SeveralAtOnceAreAskedForAsOneIs) {
  FullPool pool(small_pool(64, 8, 2));
  std::vector<rte_mbuf*> all = take_all(pool);
  turn_on(1);
  BufferPool::release(all[0]);
  {
    const AsLcore as(1);
    BufferPool::release(all[1]);
  }
  std::array<rte_mbuf*, 2> two{};
  EXPECT_FALSE(pool.try_acquire(two));
  turn_on(1);
  ASSERT_TRUE(pool.try_acquire(two));
  BufferPool::release(two);
  BufferPool::release(std::span<rte_mbuf* const>(all).subspan(2));
  const AsLcore as(1);
  BufferPool::empty_caches();
}

TEST(LcoreCaches, AnLcoreThatTakesAndGivesBackAllTheTimeKeepsNothingFromOneThatAsks) {
  FullPool pool(small_pool(64, 8, 2));
  std::vector<rte_mbuf*> all(64);
  ASSERT_TRUE(pool.try_acquire(all));
  turn_on(1);
  BufferPool::release(std::span<rte_mbuf* const>(all).first(3));
  const auto busy_turn = [&] {
    const AsLcore as(1);
    if (rte_mbuf* m = pool.try_acquire()) BufferPool::release(m);
    BufferPool::relieve();
  };
  busy_turn();
  EXPECT_EQ(pool.stats().free, 3U);
  std::array<rte_mbuf*, 3> three{};
  EXPECT_FALSE(pool.try_acquire(three)) << "some are in the other's cache";
  // The other lcore may have any number of turns meanwhile. Afterwards this lcore finds all three
  // buffers.
  for (int turns : {1, 2, 100, 5000}) {
    for (int i = 0; i < turns; ++i) busy_turn();
    ASSERT_TRUE(pool.try_acquire(three)) << "after " << turns << " turns";
    BufferPool::release(three);
  }
  BufferPool::release(std::span<rte_mbuf* const>(all).subspan(3));
  const AsLcore as(1);
  BufferPool::empty_caches();
}

TEST(LcoreCaches, AnLcoreThatBeginsToTurnKeepsNothingFromOneThatMayBeAsking) {
  FullPool pool(small_pool(64, 8, 2));
  std::vector<rte_mbuf*> all = take_all(pool);  // the last attempt finds none
  turn_on(1);
  {
    const AsLcore as(1);
    BufferPool::release(all[0]);
  }
  turn_on(1);
  EXPECT_EQ(cached(pool), 0U);
  BufferPool::release(std::span<rte_mbuf* const>(all).subspan(1));
  const AsLcore as(1);
  BufferPool::empty_caches();
}

TEST(LcoreCaches, AreFilledUpAgainWhenNobodyHasAskedForALongTime) {
  FullPool pool(small_pool(64, 8, 1));
  LcoreCaches caches(8, 64, 1);  // on the same mempool, with a clock of the test's own
  rte_mempool& mempool = *pool.mempool();
  const unsigned me = rte_lcore_id();
  rte_mempool_cache& cache = *rte_mempool_default_cache(&mempool, me);
  std::uint64_t now = 1;
  EXPECT_TRUE(caches.turned(mempool, me, false, now));
  EXPECT_EQ(cache.size, 8U);
  caches.announce(LCORE_ID_ANY);
  EXPECT_FALSE(caches.turned(mempool, me, false, now));
  EXPECT_EQ(cache.size, 0U);
  for (std::uint32_t i = 0; i < 2 * LcoreCaches::kQuietTurns; ++i)
    ASSERT_FALSE(caches.turned(mempool, me, false, ++now)) << "many turns, but no second yet";
  now += LcoreCaches::kQuietSeconds * rte_get_tsc_hz();
  EXPECT_TRUE(caches.turned(mempool, me, false, now));
  EXPECT_EQ(cache.size, 8U);
  caches.announce(LCORE_ID_ANY);
  EXPECT_FALSE(caches.turned(mempool, me, false, now));
  now += 10 * LcoreCaches::kQuietSeconds * rte_get_tsc_hz();
  EXPECT_FALSE(caches.turned(mempool, me, false, now)) << "a long time, but hardly a turn";
  caches.close(mempool, me);
  EXPECT_EQ(detail::cache_bound(cache), 0U);
}

TEST(LcoreCaches, OnesOwnNeedEmptiesTheOthersCachesOnly) {
  FullPool pool(small_pool(64, 8, 2));
  LcoreCaches caches(8, 64, 2);
  rte_mempool& mempool = *pool.mempool();
  constexpr unsigned kOther = 1;
  const unsigned me = rte_lcore_id();
  const rte_mempool_cache& mine = *rte_mempool_default_cache(&mempool, me);
  const rte_mempool_cache& others = *rte_mempool_default_cache(&mempool, kOther);
  EXPECT_TRUE(caches.turned(mempool, me, false, 1));
  EXPECT_TRUE(caches.turned(mempool, kOther, false, 1));
  caches.announce(me);
  EXPECT_TRUE(caches.turned(mempool, me, false, 2)) << "nothing that it keeps is asked for";
  EXPECT_EQ(mine.size, caches.size());
  EXPECT_FALSE(caches.turned(mempool, kOther, false, 2));
  EXPECT_EQ(others.size, 0U);
  caches.announce(kOther);
  caches.announce(me);  // the other's need is still unseen, and must not count as this one's
  EXPECT_FALSE(caches.turned(mempool, me, false, 3));
  EXPECT_EQ(mine.size, 0U);
  caches.close(mempool, me);
  caches.close(mempool, kOther);
}

TEST(LcoreCaches, ADriversNeedIsHeard) {
  FullPool pool(small_pool(64, 8, 2));
  std::vector<rte_mbuf*> all = take_all(pool);
  turn_on(1);
  pool.note_short_burst(32);  // while no buffer is free at all
  {
    const AsLcore as(1);
    BufferPool::relieve();
    BufferPool::release(all[0]);
  }
  EXPECT_EQ(rte_pktmbuf_alloc(pool.mempool()), nullptr);
  pool.note_short_burst(1);
  turn_on(1);
  rte_mbuf* m = rte_pktmbuf_alloc(pool.mempool());
  ASSERT_NE(m, nullptr);
  rte_pktmbuf_free_seg(m);
  BufferPool::release(std::span<rte_mbuf* const>(all).subspan(1));
  const AsLcore as(1);
  BufferPool::empty_caches();
}

TEST(LcoreCaches, AShortBurstIsNoNeedWhereTheDriverFindsABuffer) {
  FullPool pool(small_pool(64, 8, 1));
  const Turning turning;
  BufferPool::release(pool.try_acquire());
  pool.note_short_burst(32);
  BufferPool::relieve();
  EXPECT_EQ(cached(pool), 9U);
}

// A driver that takes 32 buffers at once gets none, even if 31 are free.
TEST(LcoreCaches, ADriverThatTakesManyAtOnceIsHeard) {
  FullPool pool(small_pool(256, 16, 2));
  std::vector<rte_mbuf*> all(256);
  ASSERT_TRUE(pool.try_acquire(all));
  turn_on(1);
  BufferPool::release(std::span<rte_mbuf* const>(all).first(20));
  {
    const AsLcore as(1);
    BufferPool::release(std::span<rte_mbuf* const>(all).subspan(20, 20));
  }
  std::array<rte_mbuf*, 32> burst;
  EXPECT_NE(rte_pktmbuf_alloc_bulk(pool.mempool(), burst.data(), 32), 0);
  pool.note_short_burst(32);
  turn_on(1);
  ASSERT_EQ(rte_pktmbuf_alloc_bulk(pool.mempool(), burst.data(), 32), 0);
  rte_pktmbuf_free_bulk(burst.data(), 32);
  BufferPool::release(std::span<rte_mbuf* const>(all).subspan(40));
  const AsLcore as(1);
  BufferPool::empty_caches();
}

// A host's thread unregisters while a pool is destroyed. Unregistering closes the thread's caches.
// This must not touch the destroyed pool.
TEST(LcoreCaches, AThreadThatUnregistersWhileAPoolGoesTouchesNothingOfIt) {
  std::atomic<bool> stop{false};
  std::thread host([&] {
    while (!stop) {
      ASSERT_EQ(rte_thread_register(), 0);
      rte_thread_unregister();
    }
  });
  for (int i = 0; i < 200; ++i) {
    const FullPool pool(small_pool(16, 4));
  }
  stop = true;
  host.join();
}

TEST(LcoreCaches, C11cWhatIsGivenBackAfterTheLoopEndedIsFound) {
  FullPool pool(small_pool(64, 8));
  std::vector<rte_mbuf*> all = take_all(pool);
  test::on_lcore(1, [&] {
    {
      Lcore lcore;
      lcore.run_until([n = 0]() mutable { return ++n > 3; });
    }
    BufferPool::release(std::span<rte_mbuf* const>(all).first(3));
    rte_pktmbuf_free_seg(all[3]);
  });
  std::array<rte_mbuf*, 4> four{};
  ASSERT_TRUE(pool.try_acquire(four));
  BufferPool::release(four);
  BufferPool::release(std::span<rte_mbuf* const>(all).subspan(4));
}

TEST(LcoreCaches, ALoopThatAPollerEndsByAnExceptionKeepsNothing) {
  FullPool pool(small_pool(64, 8));
  struct Throws {
    unsigned poll(std::uint64_t) {
      BufferPool::release(pool.try_acquire());
      if (++turns == 3) throw 1;
      return 0;
    }
    BufferPool& pool;
    int turns = 0;
  } poller{pool};
  Lcore lcore;
  lcore.add(poller);
  EXPECT_THROW(lcore.run(), int);
  EXPECT_EQ(cached(pool), 0U);
}

TEST(LcoreCaches, AnLcoreTurnedByHandKeepsNothingWhenItGoes) {
  FullPool pool(small_pool(64, 8));
  {
    Lcore lcore;
    lcore.turn(1);
    BufferPool::release(pool.try_acquire());
    EXPECT_GT(cached(pool), 0U);
  }
  EXPECT_EQ(cached(pool), 0U);
}

TEST(LcoreCaches, C11cAThreadThatUnregistersKeepsNothingWhoeverRegisteredIt) {
  FullPool pool(small_pool(64, 8, 8));
  std::thread([&] {
    ASSERT_EQ(rte_thread_register(), 0);  // as a host does, without bab's LcoreRegistration
    BufferPool::relieve();
    BufferPool::release(pool.try_acquire());
    EXPECT_GT(cached(pool), 0U);
    rte_thread_unregister();
  }).join();
  EXPECT_EQ(cached(pool), 0U);
}

TEST(LcoreCaches, ThreadsThatRegisterHaveOneAsLongAsThereIsAPlace) {
  FullPool pool(small_pool(64, 8, 2));
  const auto keeps = [&](unsigned lcore) {
    const AsLcore as(lcore);
    BufferPool::relieve();
    BufferPool::release(pool.try_acquire());
    const rte_mempool_cache* cache = rte_mempool_default_cache(pool.mempool(), lcore);
    return cache->len > 0;
  };
  const auto end = [](unsigned lcore) {
    const AsLcore as(lcore);
    BufferPool::empty_caches();
  };
  EXPECT_TRUE(keeps(100));
  EXPECT_TRUE(keeps(101));
  EXPECT_FALSE(keeps(102));
  end(100);
  EXPECT_TRUE(keeps(102)) << "a place came free";
  EXPECT_FALSE(keeps(100));
  end(101);
  end(102);
  EXPECT_EQ(cached(pool), 0U);
}

}  // namespace
}  // namespace bab
