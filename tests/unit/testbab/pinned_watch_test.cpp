#include "pinned_watch.hpp"

#include <cstring>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "full_pool.hpp"

namespace testbab {
namespace {

using bab::test::FullPool;

using Pools = std::vector<const bab::BufferPool*>;

/// Takes a buffer whose frame begins with `text`.
rte_mbuf* frame(bab::BufferPool& pool, const char* text) {
  rte_mbuf* m = pool.try_acquire();
  if (m == nullptr) return nullptr;
  std::memset(rte_pktmbuf_append(m, 64), 0, 64);
  std::memcpy(rte_pktmbuf_mtod(m, char*), text, std::strlen(text));
  return m;
}

TEST(PinnedWatch, SeesNothingInAFullPool) {
  FullPool pool(4);
  PinnedWatch watch;
  watch.look({&pool});
  watch.look({&pool});
  EXPECT_EQ(watch.in_use(), 0U);
  EXPECT_TRUE(watch.pinned().empty());
}

TEST(PinnedWatch, TakesTwoLooksToCallABufferPinned) {
  FullPool pool(4);
  rte_mbuf* m = frame(pool, "one");
  PinnedWatch watch;
  watch.look({&pool});
  EXPECT_EQ(watch.in_use(), 1U);
  EXPECT_TRUE(watch.pinned().empty()) << "it may be on its way";
  watch.look({&pool});
  const std::vector<PinnedBuffer> pinned = watch.pinned();
  ASSERT_EQ(pinned.size(), 1U);
  EXPECT_EQ(pinned[0].pool, pool.name());
  EXPECT_EQ(pinned[0].id, bab::buffer_meta(m).id);
  EXPECT_EQ(pinned[0].shares, 1);
  EXPECT_GT(pinned[0].seconds, 0.0);
  bab::BufferPool::release(m);
  watch.look({&pool});
  EXPECT_EQ(watch.in_use(), 0U);
}

TEST(PinnedWatch, AnotherFrameInTheSameBufferIsNew) {
  FullPool pool(1);
  rte_mbuf* m = frame(pool, "one");
  PinnedWatch watch;
  watch.look({&pool});
  bab::BufferPool::release(m);
  m = frame(pool, "two");
  watch.look({&pool});
  EXPECT_EQ(watch.in_use(), 1U);
  EXPECT_TRUE(watch.pinned().empty());
  watch.look({&pool});
  EXPECT_EQ(watch.pinned().size(), 1U);
  bab::BufferPool::release(m);
}

TEST(PinnedWatch, OldestFirstOverAllPools) {
  FullPool first(2);
  FullPool second(2);
  const Pools pools{&first, &second};
  PinnedWatch watch;
  rte_mbuf* old = frame(second, "old");
  watch.look(pools);
  rte_mbuf* young = frame(first, "young");
  watch.look(pools);
  watch.look(pools);
  const std::vector<PinnedBuffer> pinned = watch.pinned();
  ASSERT_EQ(pinned.size(), 2U);
  EXPECT_EQ(pinned[0].pool, second.name());
  EXPECT_EQ(pinned[1].pool, first.name());
  EXPECT_GT(pinned[0].seconds, pinned[1].seconds);
  bab::BufferPool::release(old);
  bab::BufferPool::release(young);
}

}  // namespace
}  // namespace testbab
