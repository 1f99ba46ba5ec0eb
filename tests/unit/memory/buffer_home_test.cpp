#include <bab/memory/buffer_home.hpp>

#include <string>
#include <utility>

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace bab
