#include <bab/message/reserve_wait.hpp>

#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/lcore/acquire.hpp>
#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>

#include "shared_bench.hpp"
#include "writer_bench.hpp"

namespace bab {
namespace {

using test::Frame;
using test::SharedBench;
using test::WriterBench;
using testing::ElementsAre;

/// A task that publishes `text` as soon as there is room.
template <class Writer>
Task<> publish(Writer& writer, std::string text) {
  auto r = co_await reserve_wait(writer, static_cast<std::uint32_t>(text.size()));
  if (!r) co_return;
  std::memcpy(r.data(), text.data(), text.size());
  r.commit();
}

TEST(ReserveWait, SuspendsNothingWhereThereIsRoom) {
  WriterBench b;
  Lcore lcore;
  lcore.spawn([&] { return publish(*b.writer, "now"); });
  lcore.turn(1);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"now"}));
}

TEST(ReserveWait, WaitsForABufferInOrderAndNothingOvertakes) {
  WriterBench b(2, 10);  // buffers for one frame at a time, with one message of 8 bytes
  Lcore lcore;
  std::vector<std::string> sent;
  for (const char* text : {"aaaaaaaa", "bbbbbbbb", "c", "dddddddd"})
    lcore.spawn([&b, text] { return publish(*b.writer, text); });
  std::vector<Frame> got;
  for (int t = 1; t < 20; ++t) {
    lcore.turn(t);
    if (t == 1) {
      EXPECT_EQ(b.writer->reserve(1).failure(), ReserveFailure::kNoBuffer) << "others wait";
    }
    for (Frame& f : b.flushed()) got.push_back(std::move(f));
  }
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_THAT(got,
              ElementsAre(Frame{"aaaaaaaa"}, Frame{"bbbbbbbb"}, Frame{"c"}, Frame{"dddddddd"}));
}

TEST(ReserveWait, CancelledItStandsInNobodysWay) {
  WriterBench b(2, 10);
  Lcore lcore;
  ReserveFailure failure = ReserveFailure::kNone;
  test::put(*b.writer, "aaaaaaaa");
  lcore.spawn([&]() -> Task<> {
    auto reserve = reserve_wait(*b.writer, 8);
    Sleep timeout(10);
    EXPECT_EQ((co_await AnyOf(reserve, timeout)).index, 1U);
    failure = reserve.take().failure();
  });
  lcore.spawn([&] { return publish(*b.writer, "b"); });
  lcore.turn(1);
  lcore.turn(10);
  EXPECT_EQ(failure, ReserveFailure::kNoBuffer);
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"aaaaaaaa"}));
  lcore.turn(11);
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"b"}));
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(b.pool.stats().waiting, 0U);
}

TEST(ReserveWait, StandsInLineWithThoseWhoAcquire) {
  WriterBench b(2, 10);
  Lcore lcore;
  std::string order;
  test::put(*b.writer, "aaaaaaaa");
  lcore.spawn([&]() -> Task<> {
    auto r = co_await reserve_wait(*b.writer, 1);
    order += 'r';
    r.abort();
  });
  lcore.spawn([&]() -> Task<> {
    rte_mbuf* m = co_await b.pool.acquire();
    order += 'a';
    BufferPool::release(m);
  });
  lcore.turn(1);
  for (int t = 2; t < 10; ++t) {
    (void)b.flushed();
    lcore.turn(t);
    b.writer->poll(static_cast<std::uint64_t>(t));
  }
  EXPECT_EQ(order.substr(0, 1), "r");
  b.writer.reset();
  for (int t = 10; t < 14; ++t) lcore.turn(t);
  EXPECT_EQ(order, "ra");
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST(ReserveWait, TooLongIsToldAtOnce) {
  WriterBench b(2, 10);
  Lcore lcore;
  ReserveFailure failure = ReserveFailure::kNone;
  lcore.spawn([&]() -> Task<> { failure = (co_await reserve_wait(*b.writer, 9)).failure(); });
  lcore.turn(1);
  EXPECT_EQ(failure, ReserveFailure::kTooLong);
}

TEST(ReserveWait, AnyOfGivesRoomAtOnceToo) {
  WriterBench b;
  Lcore lcore;
  lcore.spawn([&]() -> Task<> {
    auto reserve = reserve_wait(*b.writer, 3);
    Sleep timeout(10);
    EXPECT_EQ((co_await AnyOf(timeout, reserve)).index, 1U);
    EXPECT_FALSE(reserve.waiting());
    auto r = reserve.take();
    if (!r) co_return;
    std::memcpy(r.data(), "now", 3);
    r.commit();
    EXPECT_FALSE(reserve.take()) << "once";
  });
  lcore.turn(1);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"now"}));
}

TEST(ReserveWait, MayBeAwaitedAgainWithRoomAndWithout) {
  WriterBench b(2, 10);
  Lcore lcore;
  unsigned sent = 0;
  lcore.spawn([&]() -> Task<> {
    auto reserve = reserve_wait(*b.writer, 3);
    for (; sent < 7; ++sent) {
      auto r = co_await reserve;
      if (!r) co_return;
      std::memcpy(r.data(), "abc", 3);
      r.commit();
    }
  });
  std::vector<Frame> got;
  lcore.turn(1);
  EXPECT_EQ(sent, 2U) << "the third waits";
  for (int t = 2; t < 20; ++t) {
    for (Frame& f : b.flushed()) got.push_back(std::move(f));
    lcore.turn(static_cast<std::uint64_t>(t));
  }
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(sent, 7U);
  EXPECT_THAT(got, ElementsAre(Frame{"abc", "abc"}, Frame{"abc", "abc"}, Frame{"abc", "abc"},
                               Frame{"abc"}));
}

TEST(ReserveWait, IsCancelledByAnotherTaskOnlyWhileItWaits) {
  WriterBench b(2, 10);
  Lcore lcore;
  ReserveFailure failure = ReserveFailure::kNone;
  auto reserve = reserve_wait(*b.writer, 8);
  reserve.cancel();
  EXPECT_FALSE(reserve.waiting());
  test::put(*b.writer, "aaaaaaaa");
  lcore.spawn([&]() -> Task<> {
    auto& wait = reserve;  // GCC 12 would copy the captured awaitable
    failure = (co_await wait).failure();
  });
  lcore.turn(1);
  EXPECT_TRUE(reserve.waiting());
  reserve.cancel();
  EXPECT_FALSE(reserve.waiting());
  EXPECT_EQ(reserve.outcome(), Outcome::kCancelled);
  lcore.turn(2);
  EXPECT_EQ(failure, ReserveFailure::kNoBuffer);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(b.pool.stats().waiting, 0U);
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"aaaaaaaa"}));
}

TEST(ReserveWait, AnLcoreThatStopsGivesNoRoomEvenWhereThereIsSome) {
  WriterBench b;
  Lcore lcore;
  ReserveFailure failure = ReserveFailure::kNone;
  test::put(*b.writer, "open");
  lcore.request_stop();
  lcore.spawn([&]() -> Task<> { failure = (co_await reserve_wait(*b.writer, 1)).failure(); });
  lcore.turn(1);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(failure, ReserveFailure::kNoBuffer);
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"open"}));
}

TEST(ReserveWait, NoReserveOfItsProducerTakesTheRoomThatAnotherLcoreOpened) {
  SharedBench b(16, 14, {}, 2, 1);  // the writer may have one frame at a time
  Lcore lcore;
  auto slow = test::reserve(b[1], "aaaaaaaa");
  for (const char* text : {"bbbb", "cc"}) lcore.spawn([&, text] { return publish(b[0], text); });
  lcore.turn(1);
  slow.commit();
  ASSERT_TRUE(test::put(b[1], "d")) << "the next frame is open, with room";
  EXPECT_EQ(b[0].reserve(1).failure(), ReserveFailure::kNoBuffer);
  EXPECT_EQ(b[0].reserve(13).failure(), ReserveFailure::kTooLong);
  lcore.spawn([&] { return publish(b[0], "e"); });
  for (std::uint64_t t = 2; t < 6; ++t) lcore.turn(t);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_TRUE(test::put(b[0], "f"));
  EXPECT_THAT(b.flushed(), ElementsAre("aaaaaaaa", "d", "bbbb", "cc", "e", "f"));
}

/// The statistics count a waiting reserve once, and not each time that it tries.
template <class Writer>
void expect_counted_once(BufferPool& pool, Writer& writer) {
  rte_mbuf* all[4];
  ASSERT_TRUE(pool.try_acquire(all));
  Lcore lcore;
  for (const char* text : {"a", "b"}) lcore.spawn([&, text] { return publish(writer, text); });
  for (std::uint64_t t = 1; t < 10; ++t) lcore.turn(t);
  EXPECT_EQ(writer.stats().starved, 2U);
  EXPECT_FALSE(writer.reserve(1));
  EXPECT_EQ(writer.stats().starved, 3U);
  BufferPool::release(all);
  lcore.turn(10);
  lcore.turn(11);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(writer.stats().starved, 3U);
}

TEST(ReserveWait, CountsOnceAsStarvedAtALocalWriter) {
  WriterBench b(4);
  expect_counted_once(b.pool, *b.writer);
}

TEST(ReserveWait, CountsOnceAsStarvedAtAProducer) {
  SharedBench b(4);
  expect_counted_once(b.pool, b[0]);
  (void)b.flushed();
}

TEST(ReserveWait, CountsOnceAsCapped) {
  SharedBench b(16, 10, {}, 2, 1);
  WriterBench local(8, 10);
  local.writer.emplace(local.pool, local.ring, WriterOptions{10, test::kHeaderBytes, {}, 7, 1});
  auto slow = test::reserve(b[0], "aaaaaaaa");
  auto slow_too = local.writer->reserve(8);
  Lcore lcore;
  lcore.spawn([&] { return publish(b[1], "bbbbbbbb"); });
  lcore.spawn([&] { return publish(*local.writer, "bbbbbbbb"); });
  for (std::uint64_t t = 1; t < 10; ++t) lcore.turn(t);
  EXPECT_EQ(b[1].stats().capped, 1U);
  EXPECT_EQ(local.writer->stats().capped, 1U);
  slow.commit();
  slow_too.abort();
  lcore.turn(10);
  lcore.turn(11);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(b[1].stats().starved + local.writer->stats().starved, 0U);
  (void)b.flushed();
  (void)local.flushed();
}

}  // namespace
}  // namespace bab
