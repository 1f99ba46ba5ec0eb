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

}  // namespace
}  // namespace bab
