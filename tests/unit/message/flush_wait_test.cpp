#include <bab/message/flush_wait.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/message/reserve_wait.hpp>

#include "flusher_bench.hpp"
#include "shared_bench.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::KeepSink;
using test::put;
using test::SharedBench;
using test::WriterBench;
using testing::ElementsAre;

/// A task that awaits a flush of `writer`, and the result.
template <class Writer>
struct Awaited {
  explicit Awaited(Writer& writer) {
    lcore.spawn([this, &writer]() -> Task<> { result = co_await flush_wait(writer); });
    turn();
  }
  ~Awaited() {
    lcore.request_stop();
    for (int i = 0; i < 3; ++i) lcore.turn(++now);
  }
  /// Turns the lcore. Gives the result of the wait, if it has ended by now.
  std::optional<Flushed> turn() {
    for (int i = 0; i < 2; ++i) lcore.turn(++now);
    return result;
  }

  Lcore lcore;
  std::uint64_t now = 0;
  std::optional<Flushed> result;
};

struct LocalFlushWait : testing::Test {
  LocalFlushWait() { flusher.add(b.ring); }
  KeepSink sink;
  WriterBench b{8, 64};
  WriteFlusher<KeepSink> flusher{sink, wire::FrameHeader({})};
};

TEST_F(LocalFlushWait, SuspendsNothingWhereNothingIsOnItsWay) {
  EXPECT_EQ(Awaited(*b.writer).result, Flushed::kSent);
  put(*b.writer, "a");
  b.writer->flush();
  flusher.poll();
  EXPECT_EQ(Awaited(*b.writer).result, Flushed::kSent);
}

TEST_F(LocalFlushWait, FlushesAndEndsWhenTheSinkHasTakenIt) {
  sink.room = 0;
  put(*b.writer, "a");
  Awaited wait(*b.writer);
  EXPECT_EQ(wait.turn(), std::nullopt);
  flusher.poll();
  EXPECT_EQ(flusher.pending(), 1U);
  EXPECT_EQ(wait.turn(), std::nullopt) << "the sink was full";
  sink.room = 1;
  flusher.poll();
  EXPECT_EQ(wait.turn(), Flushed::kSent);
  EXPECT_THAT(sink.messages(), ElementsAre("a"));
}

TEST_F(LocalFlushWait, DoesNotWaitForWhatCameLater) {
  sink.room = 2;
  put(*b.writer, "a");
  b.writer->flush();
  put(*b.writer, "b");
  Awaited wait(*b.writer);
  for (const char* later : {"c", "d"}) {
    put(*b.writer, later);
    b.writer->flush();
  }
  flusher.poll();
  EXPECT_EQ(flusher.pending(), 2U);
  EXPECT_EQ(wait.turn(), Flushed::kSent);
  EXPECT_THAT(sink.messages(), ElementsAre("a", "b"));
}

TEST_F(LocalFlushWait, WaitsForTheReservationsInItsFrames) {
  auto open = test::reserve(*b.writer, "late");
  put(*b.writer, "early");
  Awaited wait(*b.writer);
  flusher.poll();
  EXPECT_EQ(wait.turn(), std::nullopt);
  open.commit();
  EXPECT_EQ(wait.turn(), std::nullopt) << "handed over, not sent";
  flusher.poll();
  EXPECT_EQ(wait.turn(), Flushed::kSent);
  EXPECT_THAT(sink.messages(), ElementsAre("late", "early"));
}

TEST_F(LocalFlushWait, EmptyFramesAndHolesMakeNoDifference) {
  auto open = test::reserve(*b.writer, "no");
  put(*b.writer, "yes");
  b.writer->flush();
  auto nothing = test::reserve(*b.writer, "nothing");
  nothing.abort();
  Awaited wait(*b.writer);
  open.abort();
  EXPECT_EQ(wait.turn(), std::nullopt);
  flusher.poll();
  EXPECT_EQ(wait.turn(), Flushed::kSent);
}

TEST_F(LocalFlushWait, TellsOfDropsOnceEach) {
  sink.room = 0;
  put(*b.writer, "a");
  Awaited first(*b.writer);
  Awaited second(*b.writer);
  flusher.poll();
  flusher.drop_pending();
  EXPECT_EQ(first.turn(), Flushed::kDropped);
  EXPECT_EQ(second.turn(), Flushed::kDropped) << "it waited for the same frame";
  sink.room = 1;
  put(*b.writer, "b");
  Awaited third(*b.writer);
  flusher.poll();
  EXPECT_EQ(third.turn(), Flushed::kSent);
  put(*b.writer, "c");
  b.writer->flush();
  flusher.drop_pending();
  EXPECT_EQ(Awaited(*b.writer).result, Flushed::kDropped) << "before the wait began";
  EXPECT_THAT(sink.messages(), ElementsAre("b"));
}

TEST_F(LocalFlushWait, CancelledItSaysSoAndChangesNothing) {
  sink.room = 0;
  put(*b.writer, "a");
  Lcore lcore;
  std::optional<Flushed> cancelled, again;
  lcore.spawn([&]() -> Task<> {
    auto flush = flush_wait(*b.writer);
    Sleep timeout(10);
    EXPECT_EQ((co_await AnyOf(flush, timeout)).index, 1U);
    cancelled = flush.result();
    again = co_await flush;
  });
  lcore.turn(1);
  lcore.turn(10);
  flusher.poll();
  EXPECT_EQ(cancelled, Flushed::kCancelled);
  lcore.turn(11);
  EXPECT_EQ(again, std::nullopt);
  sink.room = 1;
  flusher.poll();
  lcore.turn(12);
  lcore.turn(13);
  EXPECT_EQ(again, Flushed::kSent);
}

TEST_F(LocalFlushWait, EndsWithTheLcore) {
  sink.room = 0;
  put(*b.writer, "a");
  Awaited wait(*b.writer);
  wait.lcore.request_stop();
  EXPECT_EQ(wait.turn(), Flushed::kCancelled);
}

TEST_F(LocalFlushWait, WritersOfOneRingWaitForTheirOwn) {
  LocalWriter other(b.pool, b.ring, test::small_frames(64));
  sink.room = 1;
  put(*b.writer, "mine");
  Awaited mine(*b.writer);
  put(other, "other");
  Awaited others(other);
  flusher.poll();
  EXPECT_EQ(mine.turn(), Flushed::kSent);
  EXPECT_EQ(others.turn(), std::nullopt);
  sink.room = 1;
  flusher.poll();
  EXPECT_EQ(others.turn(), Flushed::kSent);
}

TEST_F(LocalFlushWait, ARingsNextFlusherGoesOnWhereTheFirstLeftOff) {
  FullPool pool(8);
  FrameRing ring(8);
  LocalWriter writer(pool, ring, test::small_frames(64));
  {
    WriteFlusher<KeepSink> first(sink, wire::FrameHeader({}));
    first.add(ring);
    put(writer, "a");
    writer.flush();
    first.poll();
  }
  put(writer, "b");
  Awaited wait(writer);
  WriteFlusher<KeepSink> next(sink, wire::FrameHeader({}));
  next.add(ring);
  EXPECT_EQ(wait.turn(), std::nullopt);
  next.poll();
  EXPECT_EQ(wait.turn(), Flushed::kSent);
}

/// Two tasks on one lcore, with one writer, and what each is told about dropped frames.
template <class Writer>
struct TwoTasks {
  using Told = std::vector<Flushed>;

  /// Spawns a task that writes one message, and then awaits a flush after a sleep of each of these
  /// times.
  void publish_and_ask(Told& told, std::vector<std::uint64_t> when) {
    lcore.spawn([this, &told, when]() -> Task<> {
      auto room = co_await reserve_wait(writer, 1);
      room.commit();
      writer.flush();
      co_await ask(told, when);
    });
  }
  Task<> ask(Told& told, const std::vector<std::uint64_t>& when) {
    for (const std::uint64_t t : when) {
      co_await Sleep(t);
      told.push_back(co_await flush_wait(writer));
    }
  }
  void only_ask(Told& told, std::vector<std::uint64_t> when) {
    lcore.spawn([this, &told, when]() -> Task<> { co_await ask(told, when); });
  }
  /// Turns from `begin` until `end`. At `drop_at`, the pending frames are dropped.
  void turn(std::uint64_t begin, std::uint64_t end, auto& flusher, std::uint64_t drop_at = 0) {
    for (std::uint64_t t = begin; t < end; ++t) {
      lcore.turn(t);
      if (t != drop_at)
        flusher.poll();
      else
        flusher.drop_pending();
    }
  }

  Writer& writer;
  Lcore lcore{};
};

/// The writer's last frame is dropped. Each wait is told the truth about this drop, whichever task
/// asked first.
template <class Writer>
void expect_the_truth_per_wait(Writer& writer, WriteFlusher<KeepSink>& flusher, KeepSink& sink) {
  TwoTasks<Writer> tasks{writer};
  std::vector<Flushed> a, b, late;
  sink.room = 0;
  tasks.publish_and_ask(a, {10, 11});
  tasks.only_ask(b, {8, 9, 12});
  tasks.turn(1, 6, flusher, 5);
  sink.room = 99;
  tasks.turn(6, 20, flusher);
  tasks.only_ask(late, {21});
  tasks.turn(20, 25, flusher);
  using enum Flushed;
  EXPECT_THAT(a, ElementsAre(kDropped, kSent)) << "its message was dropped, which it is told once";
  EXPECT_THAT(b, ElementsAre(kDropped, kSent, kSent)) << "it may have been in that frame";
  EXPECT_THAT(late, ElementsAre(kSent)) << "it wasn't there";
  EXPECT_EQ(tasks.lcore.tasks(), 0U);
}

TEST_F(LocalFlushWait, C51_EachTaskIsToldOfItsOwnDrops) {
  expect_the_truth_per_wait(*b.writer, flusher, sink);
}

TEST(SharedFlushWait, C51_EachTaskIsToldOfItsOwnDrops) {
  SharedBench b;
  expect_the_truth_per_wait(b[0], *b.flusher, b.sink);
}

/// Frames dropped after those that a wait is for don't count as its own. This holds for many
/// stretches of such drops, too.
TEST_F(LocalFlushWait, C51_DropsBehindAreNotItsOwn) {
  FullPool pool(64);
  FrameRing ring(64);
  LocalWriter writer(pool, ring, test::small_frames(64));
  WriteFlusher<KeepSink> own(sink, wire::FrameHeader({}));
  own.add(ring);
  put(writer, "mine");
  std::optional<Awaited<LocalWriter>> waits(std::in_place, writer);
  own.poll();
  for (int stretch = 0; stretch < 5; ++stretch) {
    put(writer, "dropped");
    writer.flush();
    own.drop_pending();
    put(writer, "sent");
    writer.flush();
    own.poll();
  }
  EXPECT_EQ(waits->turn(), Flushed::kSent);
  waits.reset();
  EXPECT_EQ(Awaited(writer).result, Flushed::kDropped);
  EXPECT_EQ(Awaited(writer).result, Flushed::kSent);
  // There are more stretches here than the writer can tell apart. A wait for dropped messages must
  // still never say kSent.
  put(writer, "dropped");
  waits.emplace(writer);
  own.drop_pending();
  for (int stretch = 0; stretch < 30; ++stretch) {
    put(writer, "sent");
    writer.flush();
    own.poll();
    put(writer, "dropped");
    writer.flush();
    own.drop_pending();
  }
  EXPECT_EQ(waits->turn(), Flushed::kDropped);
}

TEST(SharedFlushWait, SuspendsNothingWhereNothingOfItsOwnIsOnItsWay) {
  SharedBench b;
  EXPECT_EQ(Awaited(b[0]).result, Flushed::kSent);
  put(b[0], "a");
  b[0].flush();
  b.poll();
  auto open = test::reserve(b[1], "b");
  EXPECT_EQ(Awaited(b[0]).result, Flushed::kSent) << "b is another's, and in another frame";
  open.commit();
  EXPECT_THAT(b.flushed(), ElementsAre("a", "b"));
}

TEST(SharedFlushWait, WaitsForTheOwnMessagesWhoeverSealedThemAndHandedThemOver) {
  SharedBench b;
  auto open = test::reserve(b[1], "theirs");
  put(b[0], "mine");
  b[1].flush();
  Awaited wait(b[0]);
  b.poll();
  EXPECT_EQ(wait.turn(), std::nullopt) << "its frame is closed and not complete";
  open.commit();
  EXPECT_EQ(wait.turn(), std::nullopt) << "complete, and with the other lcore";
  b[1].poll(0);
  EXPECT_EQ(wait.turn(), std::nullopt) << "handed over, not sent";
  b.poll();
  EXPECT_EQ(wait.turn(), Flushed::kSent);
  EXPECT_THAT(b.sink.messages(), ElementsAre("theirs", "mine"));
}

TEST(SharedFlushWait, WaitsForFramesThatWaitForEarlierOnes) {
  SharedBench b(8, 10);
  auto open = test::reserve(b[1], "aaaaaaaa");
  put(b[0], "bbbbbbbb");
  b[0].flush();
  b.poll();
  Awaited wait(b[0]);
  EXPECT_EQ(wait.turn(), std::nullopt) << "order comes first";
  open.abort();  // an empty frame isn't sent: only its place in the order is passed over
  b[1].poll(0);
  EXPECT_EQ(wait.turn(), std::nullopt);
  b.poll();
  EXPECT_EQ(wait.turn(), Flushed::kSent);
}

TEST(SharedFlushWait, EmptyFramesBetweenPendingOnesAreNoProgress) {
  SharedBench b(8, 10);
  b.sink.room = 0;
  put(b[0], "aaaaaaaa");
  test::reserve(b[0], "bbbbbbbb").abort();
  put(b[0], "cccccccc");
  b[0].flush();
  b.poll();
  Awaited wait(b[0]);
  for (int frames = 0; frames < 2; ++frames) {
    EXPECT_EQ(wait.turn(), std::nullopt) << frames;
    b.sink.room = 1;
    b.flusher->poll();
  }
  EXPECT_EQ(wait.turn(), Flushed::kSent);
  test::reserve(b[0], "bbbbbbbb").abort();
  Awaited empty(b[0]);
  EXPECT_EQ(empty.result, std::nullopt);
  b.poll();
  EXPECT_EQ(empty.turn(), Flushed::kSent);
}

TEST(SharedFlushWait, TellsEveryProducerOfDrops) {
  SharedBench b;
  b.sink.room = 0;
  put(b[0], "a");
  put(b[1], "b");
  Awaited first(b[0]);
  Awaited second(b[1]);
  b.poll();
  b.flusher->drop_pending();
  EXPECT_EQ(first.turn(), Flushed::kDropped);
  EXPECT_EQ(second.turn(), Flushed::kDropped);
  b.sink.room = 1;
  put(b[0], "c");
  Awaited third(b[0]);
  b.poll();
  EXPECT_EQ(third.turn(), Flushed::kSent);
}

TEST(SharedFlushWait, WhatIsGivenUpWithAFrameMissingIsDropped) {
  SharedBench b(8, 10);
  auto open = test::reserve(b[1], "aaaaaaaa");
  put(b[0], "bbbbbbbb");
  Awaited wait(b[0]);
  b.poll();
  b.flusher->drop_pending();
  EXPECT_EQ(wait.turn(), Flushed::kDropped);
  open.abort();
  b[1].flush();
  // The flusher has given up this frame's place in the order. The buffer is still in the ring.
  rte_mbuf* late = nullptr;
  for (auto& ring : b.rings)
    if (ring->pop({&late, 1}) == 1) BufferPool::release(late);
}

/// The writer's word has 24 bits for a frame's generation. Positions go on beyond 24 bits.
TEST(SharedFlushWait, CountsFramesBeyondTheWordsGenerations) {
  if (std::getenv("BAB_LONG") == nullptr) GTEST_SKIP() << "17 million frames: set BAB_LONG=1";
  SharedBench b(4, 5);
  const auto empty_frame = [&b] {
    auto r = b[0].reserve(3);
    const bool good = bool(r);
    r.abort();
    return good;
  };
  for (std::uint64_t frames = 0; frames < (1U << 24) + 5;)
    if (empty_frame())
      ++frames;
    else
      (void)b.flushed();
  (void)b.flushed();
  ASSERT_TRUE(put(b[0], "own"));
  b.sink.room = 0;
  Awaited wait(b[0]);
  b.poll();
  EXPECT_EQ(wait.turn(), std::nullopt);
  b.sink.room = 1;
  b.poll();
  EXPECT_EQ(wait.turn(), Flushed::kSent);
}

}  // namespace
}  // namespace bab
