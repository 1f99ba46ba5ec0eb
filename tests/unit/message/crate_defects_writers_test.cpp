/// Defects of the Rust crate that bab was ported from, by their numbers in the list of defects.
/// "Excluded": bab's design rules the defect out. "Guarded": code of bab's prevents the defect.
/// This file has writers and flushers. crate_defects_handles_test.cpp has the other defects, except
/// D29, which is in tests/options.
#include <bab/message/shared_writer.hpp>

#include <array>
#include <cstring>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/message/complete_frame.hpp>
#include <bab/message/reserve_wait.hpp>
#include <bab/message/write_flusher.hpp>

#include "lcores.hpp"
#include "packets.hpp"
#include "writer_bench.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::messages_of;
using test::small_frames;
using testing::ElementsAre;

struct Keep {
  unsigned send(std::span<rte_mbuf*> frames) noexcept {
    for (rte_mbuf* m : frames) {
      for (std::string& text : messages_of(m)) messages.push_back(std::move(text));
      BufferPool::release(m);
    }
    return static_cast<unsigned>(frames.size());
  }
  std::vector<std::string> messages;
};

/// A shared writer with two producers on this lcore, and the messages that came out.
struct Shared {
  explicit Shared(std::uint32_t buffers = 8, std::uint32_t capacity = 64)
      : pool(buffers),
        rings{FrameRing(buffers), FrameRing(buffers)},
        options(small_frames(capacity)) {
    const std::array<FrameRing*, 2> both{&rings[0], &rings[1]};
    flusher.add_shared(both);
  }
  std::vector<std::string>& came() {
    while (flusher.poll() > 0) {
    }
    return sink.messages;
  }
  std::vector<std::string>& flushed() {
    a.flush();
    b.flush();
    return came();
  }

  FullPool pool;
  std::array<FrameRing, 2> rings;
  WriterOptions options;
  Keep sink;
  WriteFlusher<Keep> flusher{sink, wire::FrameHeader({})};
  SharedWriter writer{pool, options};
  SharedWriter::Producer a{writer, rings[0]}, b{writer, rings[1]};
};

template <class Writer>
auto reserve(Writer& w, std::string_view text) {
  auto r = w.reserve(static_cast<std::uint32_t>(text.size()));
  if (r) std::memcpy(r.data(), text.data(), text.size());
  return r;
}
template <class Writer>
bool try_put(Writer& w, std::string_view text) {
  auto r = reserve(w, text);
  const bool good = bool(r);
  r.commit();
  return good;
}

// Guarded: a reserve checks that the frame is open before it adds to the counter. The counter's 24
// bits have room for one more add by every lcore.
TEST(CrateDefects, D02FiveHundredReservesAndAMillionFailedOnesOverflowNothing) {
  Shared s(2, 1800);
  std::list<SharedWriter::Producer::Reservation> pending;
  pending.push_back(reserve(s.a, std::string(1700, 'x')));
  for (int i = 0; i < 500; ++i) pending.push_back(s.b.reserve(1700));
  for (int i = 0; i < 1'000'000; ++i) ASSERT_FALSE(s.a.reserve(1700));
  pending.front().commit();
  pending.clear();
  EXPECT_EQ(s.flushed().size(), 1U);
  EXPECT_TRUE(try_put(s.a, "more"));
  EXPECT_EQ(s.flushed().back(), "more");
}

// Excluded: a reader holds a share of the buffer, and no buffer goes back to its pool before the
// last share. A sink's view of a frame ends with the call, unless the sink takes a Packet.
TEST(CrateDefects, D03WhatASinkKeepsOfAFlushIsNotRecycledUnderItsReader) {
  FullPool pool(3);
  FrameRing ring(3);
  LocalWriter writer(pool, ring, small_frames(64));
  std::vector<Packet> kept;
  auto sink = [&](std::span<const CompleteFrame> frames, std::uint32_t) noexcept {
    for (const CompleteFrame& frame : frames)
      if (kept.empty()) kept.push_back(frame.packet(*frame.begin()));
    return static_cast<unsigned>(frames.size());
  };
  WriteFlusher<decltype(sink)> flusher(sink, wire::FrameHeader({}));
  flusher.add(ring);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(try_put(writer, i == 0 ? "the first" : "another one"));
    writer.flush();
    while (flusher.poll() > 0) {
    }
  }
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(test::text_of(kept[0]), "the first");
}

// Guarded: lengths are checked. A length that doesn't fit changes nothing.
TEST(CrateDefects, D04CommitSplitAndAdvanceBeyondTheEndAreRefused) {
  Shared s;
  auto r = reserve(s.a, "four");
  EXPECT_FALSE(r.commit(5));
  EXPECT_TRUE(s.flushed().empty());
  FullPool pool(1);
  Packet packet = test::packet_with(pool, "four");
  EXPECT_FALSE(packet.advance(5));
  EXPECT_FALSE(packet.advance(UINT64_MAX));
  std::array<Packet, 2> parts;
  EXPECT_FALSE(packet.split(std::array<std::uint64_t, 1>{5}, parts));
  EXPECT_EQ(test::text_of(packet), "four");
}

// Excluded: the claim to fetch a buffer is held only within one call, never across a wait.
TEST(CrateDefects, D07AReserveCancelledForWantOfTheFirstOrNextBufferLeavesTheWriterAlive) {
  for (const bool first : {true, false}) {
    Shared s(2, 10);
    Lcore lcore;
    rte_mbuf* taken = nullptr;
    if (first)
      taken = s.pool.try_acquire();
    else
      try_put(s.a, "12345678");
    ReserveFailure failure = ReserveFailure::kNone;
    lcore.spawn([&]() -> Task<> {
      auto wait = reserve_wait(s.a, 8);
      Sleep timeout(10);
      co_await AnyOf(wait, timeout);
      failure = wait.take().failure();
    });
    lcore.turn(1);
    lcore.turn(10);
    EXPECT_EQ(failure, ReserveFailure::kNoBuffer);
    if (first) BufferPool::release(taken);
    (void)s.flushed();
    EXPECT_TRUE(try_put(s.b, "y"));
    EXPECT_TRUE(try_put(s.a, "x"));
    EXPECT_EQ(s.flushed().back(), "x");
  }
}

// Guarded: a full frame closes by itself. A reserve that finds no buffer hands over the complete
// frames.
TEST(CrateDefects, D08ABatchLargerThanThePoolGoesOutWithoutAFlush) {
  Shared s(2, 10);
  Lcore lcore;
  unsigned sent = 0;
  lcore.spawn([&]() -> Task<> {
    for (; sent < 20; ++sent) {
      auto r = co_await reserve_wait(s.a, 8);
      if (!r) co_return;
      std::memcpy(r.data(), "12345678", 8);
      r.commit();
    }
  });
  for (std::uint64_t t = 1; t < 100; ++t) {
    lcore.turn(t);
    s.a.poll(t);
    (void)s.came();
  }
  EXPECT_EQ(sent, 20U);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(s.flushed().size(), 20U);
}

// Excluded: a commit only adds to a count. No commit waits for another one, in the same frame or in
// another.
TEST(CrateDefects, D10CommitsOutOfOrderForgottenOrAcrossFramesWaitForNobody) {
  Shared s(8, 10);
  auto first = reserve(s.a, "aaaaaaaa");
  auto second = reserve(s.b, "bbbbbbbb");
  { auto forgotten = reserve(s.a, "forgotte"); }
  auto last = reserve(s.b, "cccccccc");
  last.commit();
  second.commit();
  first.commit();
  EXPECT_THAT(s.flushed(), ElementsAre("aaaaaaaa", "bbbbbbbb", "cccccccc"));
}

// Excluded: a message is a part of a frame, whatever its size. Nothing is rounded to half buffers.
TEST(CrateDefects, D13MessagesOverHalfABufferLeakNothing) {
  Shared s(4, 100);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(try_put(s.a, std::string(60, 'x')));
    if (i % 2 == 1) (void)s.flushed();
  }
  EXPECT_EQ(s.flushed().size(), 50U);
  EXPECT_EQ(s.pool.in_use(), 0U);
}

// Guarded: a Producer flushes when it is destroyed, and the flusher takes what is in its ring.
TEST(CrateDefects, D15AThreadThatEndsWithoutAFlushLosesNothing) {
  FullPool pool(4);
  FrameRing ring(4);
  SharedWriter writer(pool, small_frames(64));
  auto work = [&] {
    SharedWriter::Producer p(writer, ring);
    EXPECT_TRUE(try_put(p, "unflushed"));
  };
  test::on_lcore(1, work);
  Keep sink;
  WriteFlusher<Keep> flusher(sink, wire::FrameHeader({}));
  const std::array<FrameRing*, 1> rings{&ring};
  flusher.add_shared(rings);
  while (flusher.poll() > 0) {
  }
  EXPECT_THAT(sink.messages, ElementsAre("unflushed"));
}

// Excluded: a frame belongs to the writer, whichever producer opened or closed the frame.
TEST(CrateDefects, D16FlushPublishesTheCallersMessagesWhoeverClosedTheirFrame) {
  Shared s(8, 10);
  auto open = reserve(s.b, "b");
  try_put(s.a, "a");
  s.b.flush();  // closes the frame that both share, which waits for b's commit
  s.a.flush();
  EXPECT_TRUE(s.came().empty());
  open.commit();
  s.b.poll(0);
  EXPECT_THAT(s.came(), ElementsAre("b", "a"));
}

// Excluded: frames are numbered, and a message gets its place in a frame when it is reserved. Large
// messages have no separate way.
TEST(CrateDefects, D17SmallMessagesDontOvertakeBigOnes) {
  Shared s(8, 40);
  std::vector<std::string> sent;
  for (const char* text :
       {"small", "a message that fills nearly all of it", "s", "another one of those", "t", "u"}) {
    sent.emplace_back(text);
    ASSERT_TRUE(try_put(s.a, text));
    if (sent.size() % 2 == 0) s.b.flush();
  }
  EXPECT_EQ(s.flushed(), sent);
}

// Excluded: frames that a sink doesn't take stay, in order. A sink that stops in the middle is
// offered the rest again.
TEST(CrateDefects, D18AnAbandonedFlushIteratorDiscardsNothing) {
  FullPool pool(8);
  FrameRing ring(8);
  LocalWriter writer(pool, ring, small_frames(16));
  std::vector<std::string> seen;
  unsigned takes = 0;
  auto sink = [&](std::span<const CompleteFrame> frames, std::uint32_t) noexcept {
    unsigned done = 0;
    for (const CompleteFrame& frame : frames) {
      if (done == takes) break;
      for (const auto message : frame)
        seen.emplace_back(reinterpret_cast<const char*>(message.data()), message.size());
      ++done;
    }
    return done;
  };
  WriteFlusher<decltype(sink)> flusher(sink, wire::FrameHeader({}));
  flusher.add(ring);
  for (const char* text : {"aaaaaa", "bbbbbb", "cccccc", "dddddd", "eeeeee"})
    ASSERT_TRUE(try_put(writer, text));
  writer.flush();
  (void)flusher.poll();
  EXPECT_TRUE(seen.empty());
  for (takes = 1; !flusher.idle(); takes = 2) (void)flusher.poll();
  EXPECT_THAT(seen, ElementsAre("aaaaaa", "bbbbbb", "cccccc", "dddddd", "eeeeee"));
}

// Guarded: a Reservation that is destroyed without a commit aborts.
TEST(CrateDefects, D19AReservationThatIsThrownThroughPublishesNothing) {
  Shared s;
  try_put(s.a, "before");
  try {
    auto r = reserve(s.a, "stale");
    throw Error("thrown through");
  } catch (const Error&) {
  }
  { auto unfilled = s.b.reserve(7); }
  try_put(s.a, "after");
  EXPECT_THAT(s.flushed(), ElementsAre("before", "after"));
}

// Guarded: a burst and a frame may have any number from 1 on. 0 is refused or taken as 1.
TEST(CrateDefects, D24ABatchOfOne) {
  FullPool pool(4);
  FrameRing ring(4);
  LocalWriter writer(pool, ring, small_frames(64, {.max_messages = 1}));
  Keep sink;
  WriteFlusher<Keep> flusher(sink, wire::FrameHeader({}), 1);
  flusher.add(ring);
  for (const char* text : {"a", "b"}) {
    ASSERT_TRUE(try_put(writer, text));
    writer.poll(0);
    while (flusher.poll() > 0) {
    }
  }
  EXPECT_THAT(sink.messages, ElementsAre("a", "b"));
  EXPECT_THROW(SharedWriter(pool, small_frames(64, {.max_messages = 0})), Error);
}

// Excluded: an empty message is a message like any other.
TEST(CrateDefects, D25AReservationOfNoneThenOfFive) {
  Shared s;
  EXPECT_TRUE(try_put(s.a, ""));
  EXPECT_TRUE(try_put(s.a, "12345"));
  EXPECT_THAT(s.flushed(), ElementsAre("", "12345"));
}

// Guarded: sizes that can't work are refused when they are given. A pool's data_room has 16 bits.
TEST(CrateDefects, D26FramesTooLargeAreRefusedWithTheNumbers) {
  FullPool pool(4);
  EXPECT_THROW(SharedWriter(pool, small_frames(1 << 20)), Error);
  EXPECT_THROW(SharedWriter(pool, small_frames(pool.data_room())), Error);
  static_assert(sizeof(BufferPoolOptions::data_room) == 2);
}

// Excluded: the room in a frame is counted in bytes, up to the last byte.
TEST(CrateDefects, D27AFrameAndItsBufferCanBeFilledToTheLastByte) {
  const std::uint32_t capacity =
      RTE_MBUF_DEFAULT_BUF_SIZE - RTE_PKTMBUF_HEADROOM - test::kHeaderBytes;
  Shared s(2, capacity);
  const std::string longest(capacity - 2, 'x');
  EXPECT_EQ(s.a.max_message(), longest.size());
  EXPECT_TRUE(try_put(s.a, longest));
  EXPECT_THAT(s.flushed(), ElementsAre(longest));
}

}  // namespace
}  // namespace bab
