#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/lcore/acquire.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/reserve_wait.hpp>

#include "full_pool.hpp"
#include "packets.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::text_of;

NoFlushWriter::Reservation reserve(NoFlushWriter& writer, std::string_view text) {
  auto r = writer.reserve(static_cast<std::uint32_t>(text.size()));
  if (r) std::memcpy(r.data(), text.data(), text.size());
  return r;
}
Packet packet(NoFlushWriter& writer, std::string_view text) {
  return reserve(writer, text).commit_packet();
}

TEST(NoFlushWriter, PacksPacketsIntoOneBufferThatGoesBackWithTheLast) {
  FullPool pool(2);
  NoFlushWriter writer(pool);
  Packet one = packet(writer, "one");
  Packet two = packet(writer, "two");
  EXPECT_EQ(pool.in_use(), 1U);
  EXPECT_EQ(text_of(one), "one");
  EXPECT_EQ(text_of(two), "two");
  one = Packet();
  writer.flush();
  EXPECT_TRUE(writer.idle());
  EXPECT_EQ(pool.in_use(), 1U) << "a Packet of it is left";
  EXPECT_EQ(text_of(two), "two");
  two = Packet();
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_EQ(writer.stats().frames, 1U);
}

TEST(NoFlushWriter, WithoutPacketsABufferGoesBackAtFlush) {
  FullPool pool(1);
  NoFlushWriter writer(pool);
  packet(writer, "dropped at once");
  reserve(writer, "to nobody").commit();
  EXPECT_EQ(pool.in_use(), 1U) << "there is room in it yet";
  writer.flush();
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(NoFlushWriter, FillsABufferToTheLastByteAndThenTakesTheNext) {
  FullPool pool(2);
  NoFlushWriter writer(pool);
  EXPECT_EQ(writer.max_message(), pool.data_room() - RTE_PKTMBUF_HEADROOM - 2U);
  const std::string longest(writer.max_message(), 'x');
  const Packet first = packet(writer, longest);
  const Packet second = packet(writer, "next");
  EXPECT_EQ(text_of(first), longest);
  EXPECT_EQ(text_of(second), "next");
  EXPECT_EQ(pool.in_use(), 2U);
  EXPECT_EQ(writer.reserve(writer.max_message() + 1).failure(), ReserveFailure::kTooLong);
  EXPECT_EQ(reserve(writer, longest).failure(), ReserveFailure::kNoBuffer);
}

TEST(NoFlushWriter, APacketsBytesStayWhereTheyAreBesideHoles) {
  FullPool pool(1);
  NoFlushWriter writer(pool);
  auto gone = reserve(writer, "gone");
  Packet kept = packet(writer, "kept");
  const std::uint8_t* at = kept.data();
  auto shorter = reserve(writer, "shorter");
  EXPECT_TRUE(shorter.commit(5));
  gone.abort();
  writer.flush();
  EXPECT_EQ(kept.data(), at);
  EXPECT_EQ(text_of(kept), "kept");
  EXPECT_EQ(writer.stats().gathered, 0U) << "no wire, no copy";
}

TEST(NoFlushWriter, AnUnsettledReservationKeepsItsBufferAndOnlyThat) {
  FullPool pool(2);
  std::optional<NoFlushWriter> writer(std::in_place, pool);
  auto late = reserve(*writer, "late");
  packet(*writer, "early");
  writer->flush();
  EXPECT_EQ(pool.in_use(), 1U);
  Packet packet = late.commit_packet();
  writer->poll(0);
  EXPECT_TRUE(writer->idle());
  writer.reset();
  EXPECT_EQ(text_of(packet), "late") << "it outlives the writer";
}

TEST(NoFlushWriter, LetsGoByPolicyAndWhenOthersWait) {
  FullPool pool(1);
  NoFlushWriter writer(pool, {.flush = {.max_messages = 2, .max_delay_tsc = 100}});
  packet(writer, "a");
  packet(writer, "b");
  EXPECT_EQ(pool.in_use(), 0U) << "two messages";
  packet(writer, "c");
  writer.poll(1000);
  EXPECT_EQ(pool.in_use(), 1U);
  writer.poll(1100);
  EXPECT_EQ(pool.in_use(), 0U) << "the deadline";
  packet(writer, "d");
  Lcore lcore;
  bool got = false;
  lcore.spawn([&]() -> Task<> {
    rte_mbuf* m = co_await pool.acquire();
    got = m != nullptr;
    BufferPool::release(m);
  });
  lcore.turn(1);
  EXPECT_FALSE(got);
  writer.poll(1101);
  lcore.turn(2);
  lcore.turn(3);
  EXPECT_TRUE(got);
}

TEST(NoFlushWriter, AwaitsABuffer) {
  FullPool pool(1);
  NoFlushWriter writer(pool);
  rte_mbuf* held = pool.try_acquire();
  Lcore lcore;
  std::string got;
  lcore.spawn([&]() -> Task<> {
    auto r = co_await reserve_wait(writer, 4);
    std::memcpy(r.data(), "text", 4);
    got = text_of(r.commit_packet());
  });
  lcore.turn(1);
  EXPECT_EQ(got, "");
  BufferPool::release(held);
  lcore.turn(2);
  lcore.turn(3);
  EXPECT_EQ(got, "text");
}

TEST(NoFlushWriter, RefusesFramesThatDontFit) {
  FullPool pool(1);
  EXPECT_THROW(NoFlushWriter(pool, {.payload_capacity = pool.data_room()}), Error);
  EXPECT_THROW(NoFlushWriter(pool, {.payload_capacity = 1}), Error);
}

}  // namespace
}  // namespace bab
