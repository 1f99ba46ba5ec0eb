#include <bab/memory/buffer_home.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <rte_pause.h>

#include <bab/base/error.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>

#include "full_pool.hpp"
#include "lcores.hpp"
#include "packets.hpp"

namespace bab {
namespace {

TEST(BufferHome, GoesWithItsPoolWhenAllBuffersAreBack) {
  ASSERT_EQ(BufferHome::sweep(), 0U);
  { const test::FullPool pool(2); }
  EXPECT_EQ(BufferHome::sweep(), 0U);
}

TEST(BufferHome, StaysForBuffersThatAreOutAndGoesAfterTheLast) {
  BufferPoolOptions options = test::small_pool(2);
  SendPacket sent;
  Packet kept;
  {
    BufferPool pool(options);
    kept = test::packet_with(pool, "kept");
    sent = kept.clone().send();
  }
  EXPECT_EQ(BufferHome::sweep(), 1U);
  EXPECT_THROW(BufferPool{options}, Error) << "its name is still in use";
  EXPECT_EQ(test::text_of(kept), "kept");
  kept = Packet();
  test::on_lcore(1, [&] {
    const Packet received = sent.receive();
    EXPECT_EQ(test::text_of(received), "kept");
    EXPECT_EQ(test::text_of(received.clone()), "kept");
  });
  const test::FullPool next(options);
  EXPECT_EQ(BufferHome::sweep(), 0U);
}

TEST(BufferHome, AnMbufOfAPoolThatWentHasNoPool) {
  rte_mbuf* m;
  {
    BufferPool pool(test::small_pool(1));
    m = pool.try_acquire();
    EXPECT_EQ(BufferPool::of(m), &pool);
  }
  EXPECT_EQ(BufferPool::of(m), nullptr);
  BufferPool::release(m);
  EXPECT_EQ(BufferHome::sweep(), 0U);
}

TEST(BufferHome, ACacheThatIsFullGoesToAllLcoresAndTakesTheNewOnes) {
  test::FullPool pool(test::small_pool(64, 8, 1));  // flushed before it would hold more than 12
  const test::Turning turning;
  std::array<rte_mbuf*, 64> all;
  ASSERT_TRUE(pool.try_acquire(all));
  const auto cached = [&] { return test::cached(pool); };
  const std::span<rte_mbuf* const> out(all);
  BufferPool::release(out.subspan(0, 12));
  EXPECT_EQ(cached(), 12U);
  BufferPool::release(out.subspan(12, 5));
  EXPECT_EQ(cached(), 5U);
  EXPECT_EQ(pool.available(), 17U);
  BufferPool::release(out.subspan(17, 13));
  EXPECT_EQ(cached(), 5U) << "more than it may ever hold goes by it";
  for (rte_mbuf* m : out.subspan(30, 7)) BufferPool::release(m);
  EXPECT_EQ(cached(), 12U);
  BufferPool::release(out[37]);
  EXPECT_EQ(cached(), 1U);
  BufferPool::release(out.subspan(38));
  ASSERT_TRUE(pool.try_acquire(all));
  EXPECT_EQ(std::set<rte_mbuf*>(all.begin(), all.end()).size(), all.size());
  BufferPool::release(all);
}

// ThreadSanitizer reports an error if a buffer counts as back before it is in the cache.
TEST(BufferHome, StaysUntilTheLastBulkIsInItsPlace) {
  for (int i = 0; i < 20; ++i) {
    auto pool = std::make_unique<BufferPool>(test::small_pool(64, 10, 1));
    std::array<rte_mbuf*, 16> all;
    ASSERT_TRUE(pool->try_acquire(all));
    const std::span<rte_mbuf* const> out(all);
    std::atomic<bool> ready{false}, go{false};
    auto give_back = [&] {
      BufferPool::relieve();
      BufferPool::release(out.subspan(0, 10));
      ready = true;
      while (!go) rte_pause();
      BufferPool::release(out.subspan(10));  // flushes the cached 10, then caches these 6
    };
    test::start_on(1, give_back);
    while (!ready) rte_pause();
    go = true;
    pool.reset();
    test::wait_for(1, give_back);
    ASSERT_EQ(BufferHome::sweep(), 0U) << "the memory stays for ever";
  }
}

}  // namespace
}  // namespace bab
