/// Limits that keep one writer from holding others up: the maximum of its frames, the counters of
/// its stalls, and the buffers that it gives up when others wait for the pool.
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <bab/base/error.hpp>
#include <bab/lcore/acquire.hpp>
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
using test::reserve;
using test::SharedBench;
using test::WriterBench;
using testing::ElementsAre;

WriterOptions capped(std::uint32_t payload_capacity, std::uint32_t max_frames) {
  return {payload_capacity, test::kHeaderBytes, {}, 7, max_frames};
}

TEST(MaxFrames, MustBeOneToSixteen) {
  FullPool pool(4);
  FrameRing ring(4);
  for (const std::uint32_t wrong : {0U, 17U}) {
    EXPECT_THROW(LocalWriter(pool, ring, capped(64, wrong)), Error);
    EXPECT_THROW(SharedWriter(pool, capped(64, wrong)), Error);
    EXPECT_THROW(NoFlushWriter(pool, capped(64, wrong)), Error);
  }
}

/// `reserve_one(text)` reserves in a writer of at most 3 frames with one message each.
template <class Reserve>
void expect_a_cap_of_three(Reserve reserve_one) {
  auto first = reserve_one("aaaaaaaa");
  auto second = reserve_one("bbbbbbbb");
  auto third = reserve_one("cccccccc");
  ASSERT_TRUE(third);
  EXPECT_EQ(reserve_one("dddddddd").failure(), ReserveFailure::kTooManyFrames);
  second.commit();
  EXPECT_EQ(reserve_one("dddddddd").failure(), ReserveFailure::kTooManyFrames)
      << "the oldest holds it back";
  first.commit();
  auto fourth = reserve_one("dddddddd");
  ASSERT_TRUE(fourth);
  fourth.commit();
  third.commit();
}

TEST(MaxFrames, HoldsBackALocalWriter) {
  WriterBench b(16, 10);
  b.writer.emplace(b.pool, b.ring, capped(10, 3));
  expect_a_cap_of_three([&b](const char* text) {
    auto r = b.writer->reserve(8);
    if (r) std::memcpy(r.data(), text, 8);
    return r;
  });
  EXPECT_EQ(b.writer->stats().capped, 2U);
  EXPECT_EQ(b.writer->stats().starved, 0U);
  EXPECT_EQ(b.flushed().size(), 4U);
}

TEST(MaxFrames, HoldsBackASharedWriter) {
  SharedBench b(16, 10, {}, 2, 3);
  unsigned next = 0;
  expect_a_cap_of_three([&](const char* text) { return reserve(b[next++ % 2], text); });
  EXPECT_EQ(b[0].stats().capped + b[1].stats().capped, 2U);
  EXPECT_THAT(b.flushed(), ElementsAre("aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"));
}

TEST(MaxFrames, OfOneIsOneFrameAtATime) {
  SharedBench b(16, 10, {}, 2, 1);
  auto first = reserve(b[0], "aaaaaaaa");
  EXPECT_EQ(b[1].reserve(8).failure(), ReserveFailure::kTooManyFrames);
  first.commit();
  EXPECT_TRUE(put(b[1], "bbbbbbbb"));
  EXPECT_THAT(b.flushed(), ElementsAre("aaaaaaaa", "bbbbbbbb"));
}

/// A task that waits for a commit of its own writer must not stand in the pool's line. It would
/// block everybody behind it.
TEST(MaxFrames, WhoWaitsForACommitIsInNobodysWay) {
  SharedBench b(16, 10, {}, 2, 1);
  auto slow = reserve(b[0], "aaaaaaaa");
  Lcore lcore;
  std::vector<std::string> order;
  for (const char* text : {"bbbbbbbb", "cccccccc"})
    lcore.spawn([&, text]() -> Task<> {
      auto r = co_await reserve_wait(b[1], 8);
      std::memcpy(r.data(), text, 8);
      order.emplace_back(text);
      r.commit();
    });
  lcore.turn(1);
  EXPECT_EQ(b.pool.stats().waiting, 0U);
  rte_mbuf* m = b.pool.try_acquire();
  EXPECT_NE(m, nullptr) << "others have the pool";
  BufferPool::release(m);
  slow.commit();
  for (std::uint64_t t = 2; t < 8; ++t) {
    lcore.turn(t);
    b[1].poll(t);
  }
  EXPECT_THAT(order, ElementsAre("bbbbbbbb", "cccccccc"));
  EXPECT_THAT(b.flushed(), ElementsAre("aaaaaaaa", "bbbbbbbb", "cccccccc"));
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(MaxFrames, AReserveThatWasServedAndThenCappedLeavesThePoolsLine) {
  SharedBench b(2, 10, {}, 2, 1);
  rte_mbuf* held = b.pool.try_acquire();
  Lcore lcore;
  bool got = false;
  lcore.spawn([&]() -> Task<> {
    auto r = co_await reserve_wait(b[0], 8);
    got = bool(r);
    r.abort();
  });
  lcore.turn(1);
  EXPECT_EQ(b.pool.stats().waiting, 1U) << "no buffer";
  BufferPool::release(held);
  lcore.turn(2);
  lcore.turn(3);
  EXPECT_TRUE(got);
  EXPECT_EQ(b.pool.stats().waiting, 0U);
}

TEST(MaxFrames, CancelledTheFirstToWaitLetsTheNextGoOn) {
  SharedBench b(16, 10, {}, 2, 1);
  auto slow = reserve(b[0], "aaaaaaaa");
  Lcore lcore;
  bool cancelled = false, got = false;
  lcore.spawn([&]() -> Task<> {
    auto wait = reserve_wait(b[1], 8);
    Sleep timeout(10);
    cancelled = (co_await AnyOf(wait, timeout)).index == 1;
  });
  lcore.spawn([&]() -> Task<> {
    auto r = co_await reserve_wait(b[1], 8);
    got = bool(r);
    r.abort();
  });
  lcore.turn(1);
  lcore.turn(10);
  EXPECT_TRUE(cancelled);
  slow.commit();
  lcore.turn(11);
  lcore.turn(12);
  EXPECT_TRUE(got);
  (void)b.flushed();
}

TEST(Stalls, AreCountedWhenASealedFrameHeldBackALocalWriter) {
  WriterBench b(16, 10);
  put(*b.writer, "aaaaaaaa");
  b.writer->flush();
  EXPECT_EQ(b.writer->stats().stalls, 0U) << "complete at once";
  auto slow = reserve(*b.writer, "bbbbbbbb");
  auto behind = reserve(*b.writer, "cccccccc");
  put(*b.writer, "dddddddd");
  b.writer->flush();
  EXPECT_EQ(b.writer->stats().stalls, 0U) << "counted at its end";
  const std::uint64_t begun = rte_rdtsc();
  rte_delay_us_block(50);
  const std::uint64_t waited = rte_rdtsc() - begun;
  slow.commit();
  EXPECT_EQ(b.writer->stats().stalls, 1U);
  EXPECT_GE(b.writer->stats().stalled_tsc, waited);
  behind.commit();
  EXPECT_EQ(b.writer->stats().stalls, 2U) << "each frame that was the oldest";
  EXPECT_EQ(b.flushed().size(), 4U);
}

TEST(Stalls, AreCountedWhenAClosedFrameHeldBackASharedWriter) {
  SharedBench b(16, 10);
  put(b[0], "aaaaaaaa");
  b[0].flush();
  EXPECT_EQ(b[0].stats().stalls, 0U) << "complete at once";
  auto slow = reserve(b[0], "bbbbbbbb");
  put(b[1], "cccccccc");
  const std::uint64_t begun = rte_rdtsc();
  rte_delay_us_block(50);
  const std::uint64_t waited = rte_rdtsc() - begun;
  slow.commit();
  EXPECT_EQ(b[0].stats().stalls, 1U);
  EXPECT_EQ(b[1].stats().stalls, 0U);
  EXPECT_GE(b[0].stats().stalled_tsc, waited);
  EXPECT_EQ(b.flushed().size(), 3U);
}

TEST(FlushPolicy, C20_ADelayBeyondTheClocksEndIsNone) {
  WriterBench local(4, 64, {.max_delay_tsc = ~std::uint64_t{0}});
  SharedBench shared(4, 64, {.max_delay_tsc = ~std::uint64_t{0} - 5});
  put(*local.writer, "x");
  put(shared[0], "x");
  for (std::uint64_t t = 1000; t < 1010; ++t) {
    local.writer->poll(t);
    shared[0].poll(t);
  }
  EXPECT_TRUE(local.frames().empty());
  shared.poll();
  EXPECT_TRUE(shared.sink.all.empty());
  constexpr FlushPolicy policy{.max_delay_tsc = 10};
  EXPECT_EQ(policy.deadline(5), 15U);
  EXPECT_EQ(policy.deadline(~std::uint64_t{0} - 3), ~std::uint64_t{0});
}

/// Many writers whose partly filled frames hold the whole pool, and a task that waits for a buffer.
struct LocalCrowd {
  static constexpr std::uint32_t kBuffers = 2;  // per writer: one for the open frame and one spare
  LocalCrowd(BufferPool& pool, unsigned n) {
    for (unsigned i = 0; i < n; ++i)
      writers.push_back(std::make_unique<LocalWriter>(
          pool, *rings.emplace_back(std::make_unique<FrameRing>(pool.size())),
          test::small_frames(64)));
  }
  void join(WriteFlusher<KeepSink>& flusher) {
    for (auto& ring : rings) flusher.add(*ring);
  }
  std::vector<std::unique_ptr<FrameRing>> rings;
  std::vector<std::unique_ptr<LocalWriter>> writers;
};
struct SharedCrowd {
  static constexpr std::uint32_t kBuffers = 2;
  SharedCrowd(BufferPool& pool, unsigned n) {
    for (unsigned i = 0; i < n; ++i) {
      shared.push_back(std::make_unique<SharedWriter>(pool, test::small_frames(64)));
      writers.push_back(std::make_unique<SharedWriter::Producer>(
          *shared.back(), *rings.emplace_back(std::make_unique<FrameRing>(pool.size()))));
    }
  }
  void join(WriteFlusher<KeepSink>& flusher) {
    for (auto& ring : rings) flusher.add_shared(std::array{ring.get()});
  }
  std::vector<std::unique_ptr<FrameRing>> rings;
  std::vector<std::unique_ptr<SharedWriter>> shared;
  std::vector<std::unique_ptr<SharedWriter::Producer>> writers;
};

template <class Crowd>
struct CrowdTest : testing::Test {
  static constexpr unsigned kWriters = 10;
  FullPool pool{kWriters * Crowd::kBuffers};
  KeepSink sink;
  Crowd crowd{pool, kWriters};
  WriteFlusher<KeepSink> flusher{sink, wire::FrameHeader({})};

  CrowdTest() { crowd.join(flusher); }
  void TearDown() override {
    crowd.writers.clear();
    while (flusher.poll() > 0) {
    }
  }

  /// Turns the lcore and everything else until `lcore` has no task left. False: tasks are left.
  [[nodiscard]] bool run(Lcore& lcore) {
    for (std::uint64_t t = 1; t < 100 && lcore.tasks() > 0; ++t) {
      for (auto& w : crowd.writers) w->poll(t);
      flusher.poll();
      lcore.turn(t);
    }
    return lcore.tasks() == 0;
  }
  /// Spawns a task that wants `n` buffers at once.
  void want(Lcore& lcore, std::uint32_t n) {
    lcore.spawn([this, n]() -> Task<> {
      std::vector<rte_mbuf*> all(n);
      const Outcome outcome = co_await pool.acquire(all);
      EXPECT_EQ(outcome, Outcome::kDone);
      BufferPool::release(all);
    });
  }
};
using Crowds = testing::Types<LocalCrowd, SharedCrowd>;
TYPED_TEST_SUITE(CrowdTest, Crowds);

TYPED_TEST(CrowdTest, PartlyFilledFramesAreSealedForWhoWaits) {
  // aborted at once: the frame stays open and empty
  for (auto& w : this->crowd.writers) EXPECT_TRUE(reserve(*w, "x"));
  for (auto& w : this->crowd.writers) {
    auto r = reserve(*w, "x");
    EXPECT_TRUE(r);
    r.commit();
  }
  EXPECT_EQ(this->pool.available(), 0U);
  Lcore lcore;
  this->want(lcore, this->pool.size());
  EXPECT_TRUE(this->run(lcore)) << "they hold the pool for ever";
  EXPECT_EQ(this->sink.messages().size(), this->kWriters);
}

TYPED_TEST(CrowdTest, EveryWriterGetsItsTurnInAPoolForOne) {
  // The pool has buffers for one writer at a time.
  std::vector<rte_mbuf*> most(this->pool.size() - 2);
  ASSERT_TRUE(this->pool.try_acquire(most));
  Lcore lcore;
  for (int round = 0; round < 3; ++round)
    for (auto& w : this->crowd.writers)
      lcore.spawn([&writer = *w]() -> Task<> {
        auto r = co_await reserve_wait(writer, 1);
        EXPECT_TRUE(r);
        *r.data() = 'x';
        r.commit();
      });
  EXPECT_TRUE(this->run(lcore)) << "they wait for one another for ever";
  BufferPool::release(most);
}

TEST(LocalCrowdTest, EmptyOpenFramesAndSparesAreLetGo) {
  FullPool pool(8);
  LocalCrowd crowd(pool, 4);
  for (auto& w : crowd.writers) reserve(*w, "x").abort();
  EXPECT_EQ(pool.available(), 0U);
  Lcore lcore;
  bool got = false;
  lcore.spawn([&]() -> Task<> {
    std::array<rte_mbuf*, 8> all;
    got = co_await pool.acquire(all) == Outcome::kDone;
    BufferPool::release(all);
  });
  for (std::uint64_t t = 1; t < 5; ++t) {
    lcore.turn(t);
    for (auto& w : crowd.writers) w->poll(t);
  }
  EXPECT_TRUE(got);
}

}  // namespace
}  // namespace bab
