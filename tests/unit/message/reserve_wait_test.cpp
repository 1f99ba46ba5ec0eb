#include <bab/message/reserve_wait.hpp>

#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/lcore/acquire.hpp>
#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>

#include "writer_bench.hpp"

namespace bab {
namespace {

using test::Frame;
using test::WriterBench;
using testing::ElementsAre;

/// A task that publishes `text` when there is room.
Task<> publish(LocalWriter& writer, std::string text) {
  auto r = co_await writer.reserve_wait(static_cast<std::uint32_t>(text.size()));
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
  WriterBench b(2, 10);  // one frame at a time, of one message of 8 bytes
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
    auto reserve = b.writer->reserve_wait(8);
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
    auto r = co_await b.writer->reserve_wait(1);
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
  lcore.spawn([&]() -> Task<> { failure = (co_await b.writer->reserve_wait(9)).failure(); });
  lcore.turn(1);
  EXPECT_EQ(failure, ReserveFailure::kTooLong);
}

TEST(ReserveWait, AnyOfGivesRoomAtOnceToo) {
  WriterBench b;
  Lcore lcore;
  lcore.spawn([&]() -> Task<> {
    auto reserve = b.writer->reserve_wait(3);
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
    auto reserve = b.writer->reserve_wait(3);
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
  auto reserve = b.writer->reserve_wait(8);
  reserve.cancel();
  EXPECT_FALSE(reserve.waiting());
  test::put(*b.writer, "aaaaaaaa");
  lcore.spawn([&]() -> Task<> {
    auto& wait = reserve;  // GCC 12 would copy the captured one
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
  lcore.spawn([&]() -> Task<> { failure = (co_await b.writer->reserve_wait(1)).failure(); });
  lcore.turn(1);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(failure, ReserveFailure::kNoBuffer);
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"open"}));
}

}  // namespace
}  // namespace bab
