#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/message/flush_wait.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/reserve_wait.hpp>

#include "packets.hpp"
#include "shared_bench.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::KeepSink;
using test::small_frames;
using test::text_of;

/// A writer of each kind, with frames of 20 bytes, and the messages that came out.
struct Local {
  FullPool pool{4};
  FrameRing ring{4};
  KeepSink sink;
  WriteFlusher<KeepSink> flusher{sink, wire::FrameHeader({})};
  LocalWriter writer{pool, ring, small_frames(20)};
  Local() { flusher.add(ring); }
  static constexpr bool kFlushes = true;
};
struct SharedRing {
  FullPool pool{4};
  FrameRing ring{4};
  KeepSink sink;
  WriteFlusher<KeepSink> flusher{sink, wire::FrameHeader({})};
  SharedWriter shared{pool, small_frames(20)};
  SharedWriter::Producer writer{shared, ring};
  SharedRing() { flusher.add_shared(std::array{&ring}); }
  static constexpr bool kFlushes = true;
};
struct NoFlush {
  FullPool pool{2};
  NoFlushWriter writer{pool, small_frames(20)};
  static constexpr bool kFlushes = false;
};

template <class Kind>
struct WriterKinds : testing::Test {
  Kind kind;
  using Writer = decltype(Kind::writer);
  using Reservation = typename Writer::Reservation;
  Writer& writer = kind.writer;

  Reservation reserve(std::string_view text) {
    auto r = writer.reserve(static_cast<std::uint32_t>(text.size()));
    if (r) std::memcpy(r.data(), text.data(), text.size());
    return r;
  }
  void flush() {
    writer.flush();
    writer.poll(0);
    if constexpr (Kind::kFlushes)
      while (kind.flusher.poll() > 0) {
      }
  }
  void expect_sent(const std::vector<std::string>& wanted) {
    if constexpr (Kind::kFlushes) {
      EXPECT_EQ(kind.sink.messages(), wanted);
    }
  }
};
/// Behaviour that all kinds of writers share.
using Kinds = testing::Types<Local, SharedRing, NoFlush>;
TYPED_TEST_SUITE(WriterKinds, Kinds);

TYPED_TEST(WriterKinds, ReservesCommitsAndAborts) {
  EXPECT_TRUE(this->writer.idle());
  EXPECT_EQ(this->writer.max_message(), 18U);
  this->reserve("one").commit();
  EXPECT_TRUE(this->reserve("two!").commit(3));
  this->reserve("no").abort();
  { auto forgotten = this->reserve("no"); }
  EXPECT_FALSE(this->reserve("no").commit(3));
  auto moved = this->reserve("4");
  typename TestFixture::Reservation to(std::move(moved));
  EXPECT_FALSE(moved);
  EXPECT_TRUE(to);
  to.commit();
  EXPECT_FALSE(to);
  this->flush();
  this->expect_sent({"one", "two", "4"});
  EXPECT_TRUE(this->writer.idle());
  EXPECT_GT(this->writer.stats().frames, 0U);
}

TYPED_TEST(WriterKinds, CommitsToAPacket) {
  const Packet packet = this->reserve("kept").commit_packet();
  this->flush();
  EXPECT_EQ(text_of(packet), "kept");
  this->expect_sent({"kept"});
}

TYPED_TEST(WriterKinds, TellsWhyThereIsNoRoom) {
  EXPECT_EQ(this->writer.reserve(19).failure(), ReserveFailure::kTooLong);
  std::array<rte_mbuf*, 4> all{};
  const auto held = std::span(all).first(this->kind.pool.size());
  ASSERT_TRUE(this->kind.pool.try_acquire(held));
  EXPECT_EQ(this->writer.reserve(1).failure(), ReserveFailure::kNoBuffer);
  EXPECT_EQ(this->writer.stats().starved, 1U);
  BufferPool::release(held);
}

TYPED_TEST(WriterKinds, AwaitsABufferAndAFlush) {
  std::array<rte_mbuf*, 4> all{};
  const auto held = std::span(all).first(this->kind.pool.size());
  ASSERT_TRUE(this->kind.pool.try_acquire(held));
  Lcore lcore;
  bool reserved = false;
  Flushed flushed = Flushed::kCancelled;
  lcore.spawn([&]() -> Task<> {
    auto r = co_await reserve_wait(this->writer, 4);
    reserved = bool(r);
    std::memcpy(r.data(), "late", 4);
    r.commit();
    if constexpr (TypeParam::kFlushes) flushed = co_await flush_wait(this->writer);
  });
  lcore.turn(1);
  EXPECT_FALSE(reserved);
  BufferPool::release(held);
  for (std::uint64_t t = 2; t < 5; ++t) lcore.turn(t);
  EXPECT_TRUE(reserved);
  EXPECT_EQ(flushed, Flushed::kCancelled) << "not yet";
  this->flush();
  for (std::uint64_t t = 5; t < 8; ++t) lcore.turn(t);
  if (TypeParam::kFlushes) {
    EXPECT_EQ(flushed, Flushed::kSent);
  }
  EXPECT_EQ(lcore.tasks(), 0U);
  this->expect_sent({"late"});
}

template <class Writer>
Task<> give_up(Writer& writer, ReserveFailure& failure) {
  auto reserve = reserve_wait(writer, 4);
  Sleep timeout(10);
  const auto first = co_await AnyOf(reserve, timeout);
  EXPECT_EQ(first.index, 1U);
  failure = reserve.take().failure();
}

TYPED_TEST(WriterKinds, CancelledItStandsInNobodysWay) {
  std::array<rte_mbuf*, 4> all{};
  const auto held = std::span(all).first(this->kind.pool.size());
  ASSERT_TRUE(this->kind.pool.try_acquire(held));
  Lcore lcore;
  ReserveFailure failure = ReserveFailure::kNone;
  lcore.spawn([&] { return give_up(this->writer, failure); });
  lcore.turn(1);
  lcore.turn(10);
  EXPECT_EQ(failure, ReserveFailure::kNoBuffer);
  BufferPool::release(held);
  EXPECT_TRUE(this->reserve("x"));
  EXPECT_EQ(this->kind.pool.stats().waiting, 0U);
}

}  // namespace
}  // namespace bab
