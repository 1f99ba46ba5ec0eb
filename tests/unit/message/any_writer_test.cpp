#include <bab/message/any_writer.hpp>

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

static_assert(sizeof(AnyWriter) == 2 * sizeof(void*));
static_assert(std::is_trivially_copyable_v<AnyWriter>);
static_assert(std::is_convertible_v<LocalWriter&, AnyWriter>);
static_assert(std::is_convertible_v<SharedWriter::Producer&, AnyWriter>);
static_assert(std::is_convertible_v<NoFlushWriter&, AnyWriter>);
static_assert(!std::is_convertible_v<int&, AnyWriter>);
static_assert(!std::is_convertible_v<std::string&, AnyWriter>);
static_assert(!std::is_convertible_v<const LocalWriter&, AnyWriter>);
static_assert(!std::is_convertible_v<LocalWriter, AnyWriter>);
static_assert(!std::is_convertible_v<SharedWriter&, AnyWriter>);

/// Shows all that a writer does, and nothing of what an AnyWriter needs.
struct Wrapper {
  using Reservation = LocalWriter::Reservation;
  LocalWriter& inside;
  Reservation reserve(std::uint32_t len) noexcept { return inside.reserve(len); }
  void flush() noexcept { inside.flush(); }
  unsigned poll(std::uint64_t now_tsc) noexcept { return inside.poll(now_tsc); }
  [[nodiscard]] bool idle() const noexcept { return inside.idle(); }
  [[nodiscard]] std::uint32_t max_message() const noexcept { return inside.max_message(); }
  [[nodiscard]] const WriterStats& stats() const noexcept { return inside.stats(); }
};
static_assert(!std::is_convertible_v<Wrapper&, AnyWriter>);

/// A writer of each kind with frames of 20 bytes, and what comes of it.
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
struct AnyWriterTest : testing::Test {
  Kind kind;
  AnyWriter any{kind.writer};

  AnyWriter::Reservation reserve(std::string_view text) {
    auto r = any.reserve(static_cast<std::uint32_t>(text.size()));
    if (r) std::memcpy(r.data(), text.data(), text.size());
    return r;
  }
  void flush() {
    any.flush();
    any.poll(0);
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
using Kinds = testing::Types<Local, SharedRing, NoFlush>;
TYPED_TEST_SUITE(AnyWriterTest, Kinds);

TYPED_TEST(AnyWriterTest, ReservesCommitsAndAborts) {
  EXPECT_TRUE(this->any.idle());
  EXPECT_EQ(this->any.max_message(), 18U);
  this->reserve("one").commit();
  EXPECT_TRUE(this->reserve("two!").commit(3));
  this->reserve("no").abort();
  { auto forgotten = this->reserve("no"); }
  EXPECT_FALSE(this->reserve("no").commit(3));
  auto moved = this->reserve("4");
  AnyWriter::Reservation to(std::move(moved));
  EXPECT_FALSE(moved);
  EXPECT_TRUE(to);
  to.commit();
  EXPECT_FALSE(to);
  this->flush();
  this->expect_sent({"one", "two", "4"});
  EXPECT_TRUE(this->any.idle());
  EXPECT_EQ(&this->any.stats(), &this->kind.writer.stats());
  EXPECT_GT(this->any.stats().frames, 0U);
}

TYPED_TEST(AnyWriterTest, CommitsToAPacket) {
  const Packet packet = this->reserve("kept").commit_packet();
  this->flush();
  EXPECT_EQ(text_of(packet), "kept");
  this->expect_sent({"kept"});
}

TYPED_TEST(AnyWriterTest, TellsWhyThereIsNoRoom) {
  EXPECT_EQ(this->any.reserve(19).failure(), ReserveFailure::kTooLong);
  std::array<rte_mbuf*, 4> all{};
  const auto held = std::span(all).first(this->kind.pool.size());
  ASSERT_TRUE(this->kind.pool.try_acquire(held));
  EXPECT_EQ(this->any.reserve(1).failure(), ReserveFailure::kNoBuffer);
  EXPECT_EQ(this->any.stats().starved, 1U);
  BufferPool::release(held);
}

TYPED_TEST(AnyWriterTest, AwaitsABufferAndAFlush) {
  std::array<rte_mbuf*, 4> all{};
  const auto held = std::span(all).first(this->kind.pool.size());
  ASSERT_TRUE(this->kind.pool.try_acquire(held));
  Lcore lcore;
  bool reserved = false;
  Flushed flushed = Flushed::kCancelled;
  lcore.spawn([&]() -> Task<> {
    auto r = co_await this->any.reserve_wait(4);
    reserved = bool(r);
    std::memcpy(r.data(), "late", 4);
    r.commit();
    flushed = co_await this->any.flush_wait();
  });
  lcore.turn(1);
  EXPECT_FALSE(reserved);
  BufferPool::release(held);
  for (std::uint64_t t = 2; t < 5; ++t) lcore.turn(t);
  EXPECT_TRUE(reserved);
  EXPECT_EQ(flushed, TypeParam::kFlushes ? Flushed::kCancelled : Flushed::kSent);
  this->flush();
  for (std::uint64_t t = 5; t < 8; ++t) lcore.turn(t);
  EXPECT_EQ(flushed, Flushed::kSent);
  EXPECT_EQ(lcore.tasks(), 0U);
  this->expect_sent({"late"});
}

Task<> give_up(AnyWriter writer, ReserveFailure& failure) {
  auto reserve = writer.reserve_wait(4);
  Sleep timeout(10);
  const auto first = co_await AnyOf(reserve, timeout);
  EXPECT_EQ(first.index, 1U);
  failure = reserve.take().failure();
}

TYPED_TEST(AnyWriterTest, CancelledItStandsInNobodysWay) {
  std::array<rte_mbuf*, 4> all{};
  const auto held = std::span(all).first(this->kind.pool.size());
  ASSERT_TRUE(this->kind.pool.try_acquire(held));
  Lcore lcore;
  ReserveFailure failure = ReserveFailure::kNone;
  lcore.spawn([&] { return give_up(this->any, failure); });
  lcore.turn(1);
  lcore.turn(10);
  EXPECT_EQ(failure, ReserveFailure::kNoBuffer);
  BufferPool::release(held);
  EXPECT_TRUE(this->reserve("x"));
  EXPECT_EQ(this->kind.pool.stats().waiting, 0U);
}

TEST(AnyWriter, ComparesWithNone) {
  AnyWriter none;
  EXPECT_FALSE(none);
  FullPool pool(1);
  NoFlushWriter writer(pool);
  none = writer;
  EXPECT_TRUE(none);
}

}  // namespace
}  // namespace bab
