#include <bab/message/staging_framer.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>

#include "full_pool.hpp"

namespace bab {
namespace {

using test::FullPool;

BufferPoolOptions tiny(std::uint32_t buffers, std::uint16_t bytes) {
  BufferPoolOptions o = test::small_pool(buffers);
  o.data_room = bytes;
  return o;
}

/// Copies as much of `text` as there is room for, without waiting. Gives the rest of `text`.
std::string_view put(StagingFramer& framer, std::string_view text) {
  const std::span<std::uint8_t> room = framer.try_write();
  const std::size_t n = std::min(room.size(), text.size());
  if (n > 0) std::memcpy(room.data(), text.data(), n);
  EXPECT_TRUE(framer.commit(n));
  return text.substr(n);
}

std::string_view text(const Packet& p) {
  return {reinterpret_cast<const char*>(p.data()), p.size()};
}

TEST(StagingFramer, GivesWhatWasCommittedAsPacketsInPlace) {
  FullPool pool(1);
  StagingFramer framer(pool);
  put(framer, "hello");
  const Packet hello = framer.finish_frame();
  put(framer, "bus, an");
  const std::uint8_t* staged = framer.staged().data();
  const Packet bus = framer.finish_frame(3);
  EXPECT_EQ(bus.data(), staged);
  EXPECT_EQ(text(hello), "hello");
  EXPECT_EQ(text(bus), "bus");
  EXPECT_EQ(framer.staged().size(), 4U);
}

TEST(StagingFramer, FillsABufferToItsLastByte) {
  FullPool pool(tiny(1, 160));
  StagingFramer framer(pool);
  const std::string whole(160, 'x');
  EXPECT_EQ(put(framer, whole), "");
  EXPECT_TRUE(framer.try_write().empty()) << "a frame longer than a buffer can't be";
  EXPECT_EQ(text(framer.finish_frame()), whole);
}

TEST(StagingFramer, MovesTheUnfinishedRestToTheNextBuffer) {
  FullPool pool(tiny(2, 160));
  StagingFramer framer(pool);
  put(framer, std::string(150, 'a'));
  const Packet first = framer.finish_frame();
  EXPECT_EQ(put(framer, "0123456789ABCDEF"), "ABCDEF");
  EXPECT_EQ(put(framer, "ABCDEF"), "");
  EXPECT_EQ(text(framer.finish_frame()), "0123456789ABCDEF");
  EXPECT_EQ(text(first), std::string(150, 'a'));
}

TEST(StagingFramer, ChecksEveryNumber) {
  FullPool pool(1);
  StagingFramer framer(pool);
  EXPECT_FALSE(framer.commit(1)) << "no buffer yet";
  EXPECT_TRUE(framer.commit(0));
  EXPECT_FALSE(framer.finish_frame());
  put(framer, "abc");
  EXPECT_FALSE(framer.commit(framer.room().size() + 1));
  EXPECT_FALSE(framer.commit(std::numeric_limits<std::uint64_t>::max()));
  EXPECT_FALSE(framer.finish_frame(4));
  EXPECT_EQ(text(framer.finish_frame(3)), "abc");
  EXPECT_TRUE(framer.finish_frame()) << "a frame of no bytes";
}

TEST(StagingFramer, WriteWaitsForABufferAndNextBufferForAFreshOne) {
  FullPool pool(2);
  Lcore lcore;
  rte_mbuf* one = pool.try_acquire();
  rte_mbuf* two = pool.try_acquire();
  int stage = 0;
  lcore.spawn([&]() -> Task<> {
    StagingFramer framer(pool);
    std::span<std::uint8_t> room = co_await framer.write();
    EXPECT_FALSE(room.empty());
    std::memcpy(room.data(), "rest", 4);
    EXPECT_TRUE(framer.commit(4));
    stage = 1;
    EXPECT_EQ(co_await framer.next_buffer(), Outcome::kDone);
    EXPECT_NE(framer.staged().data(), room.data());
    EXPECT_EQ(text(framer.finish_frame()), "rest");
    stage = 2;
  });
  lcore.turn(1);
  EXPECT_EQ(stage, 0);
  BufferPool::release(one);
  lcore.turn(2);
  EXPECT_EQ(stage, 1);
  BufferPool::release(two);
  lcore.turn(3);
  EXPECT_EQ(stage, 2);
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(StagingFramer, AWriteInLineIsOverWhenAnotherOneBroughtTheBuffer) {
  FullPool pool(2);
  Lcore lcore;
  StagingFramer framer(pool);
  rte_mbuf* one = pool.try_acquire();
  rte_mbuf* two = pool.try_acquire();
  int have_room = 0;
  for (int i = 0; i < 2; ++i)
    lcore.spawn([&]() -> Task<> {
      const auto room = co_await framer.write();
      have_room += room.empty() ? 0 : 1;
    });
  lcore.turn(1);
  EXPECT_EQ(pool.stats().waiting, 2U);
  BufferPool::release(one);
  lcore.turn(2);
  EXPECT_EQ(have_room, 2);
  EXPECT_EQ(pool.stats().waiting, 0U) << "nobody is left in line";
  BufferPool::release(two);
  rte_mbuf* free = pool.try_acquire();
  ASSERT_NE(free, nullptr);
  BufferPool::release(free);
}

TEST(StagingFramer, C03_AThreadWithoutAnLcoreIdIsRefused) {
  FullPool pool(2);
  StagingFramer framer(pool);
  std::size_t room = 9;
  Outcome next = Outcome::kDone;
  std::thread([&] {
    EXPECT_TRUE(framer.try_write().empty());
    Lcore lcore;
    lcore.spawn([&]() -> Task<> {
      room = (co_await framer.write()).size();
      next = co_await framer.next_buffer();
    });
    lcore.turn(1);
    EXPECT_EQ(lcore.tasks(), 0U);
  }).join();
  EXPECT_EQ(room, 0U);
  EXPECT_EQ(next, Outcome::kRefused);
  put(framer, "and here it works");
  EXPECT_EQ(text(framer.finish_frame()), "and here it works");
}

TEST(StagingFramer, C04_AWriteThatIsFirstInAnyOfGivesItsRoomAndMayBeAwaitedAgain) {
  FullPool pool(tiny(3, 160));
  Lcore lcore;
  lcore.spawn([&]() -> Task<> {
    StagingFramer framer(pool);
    Sleep late(1000);
    auto write = framer.write();
    const auto first = co_await AnyOf(write, late);
    EXPECT_EQ(first.index, 0U);
    EXPECT_EQ(write.room().size(), 160U);
    std::memcpy(write.room().data(), "abcdefghij", 10);
    EXPECT_TRUE(framer.commit(10));
    const Packet packet = framer.finish_frame(4);
    const auto again = co_await write;
    EXPECT_EQ(again.size(), 150U) << "the same buffer goes on";
    EXPECT_EQ(framer.staged().size(), 6U);
    EXPECT_EQ(text(packet), "abcd");
    EXPECT_EQ(text(framer.finish_frame()), "efghij");
  });
  lcore.turn(1);
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(StagingFramer, StopEndsAWriteWithNoRoom) {
  FullPool pool(1);
  Lcore lcore;
  rte_mbuf* held = pool.try_acquire();
  bool empty = false;
  lcore.spawn([&]() -> Task<> {
    StagingFramer framer(pool);
    empty = (co_await framer.write()).empty();
  });
  lcore.turn(1);
  lcore.request_stop();
  lcore.turn(2);
  EXPECT_TRUE(empty);
  BufferPool::release(held);
}

}  // namespace
}  // namespace bab
