#include <bab/message/local_writer.hpp>

#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "writer_bench.hpp"

/// When a LocalWriter seals frames and hands them over, and what it does when it finds no free
/// buffer or no room in its ring.
namespace bab {
namespace {

using test::Frame;
using test::put;
using test::reserve;
using test::small_frames;
using test::WriterBench;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(LocalWriter, FlushWithoutACommittedMessageSendsNothing) {
  WriterBench b;
  EXPECT_THAT(b.flushed(), IsEmpty());
  auto r = reserve(*b.writer, "one");
  EXPECT_THAT(b.flushed(), IsEmpty());
  r.commit();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"one"}));
  EXPECT_THAT(b.flushed(), IsEmpty());
}

TEST(LocalWriter, FlushSplitsFramesThatWouldHaveHadRoom) {
  WriterBench b;
  put(*b.writer, "one");
  b.writer->flush();
  put(*b.writer, "two");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"one"}, Frame{"two"}));
}

TEST(LocalWriter, SealsAfterSoManyMessages) {
  WriterBench b(4, 64, {.max_messages = 3, .max_delay_tsc = 0});
  for (const char* text : {"1", "2", "3", "4"}) put(*b.writer, text);
  b.writer->poll(0);
  EXPECT_THAT(b.frames(), ElementsAre(Frame{"1", "2", "3"}));
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"4"}));
}

TEST(LocalWriter, SealsEveryMessageWhenAskedTo) {
  WriterBench b(4, 64, {.max_messages = 1, .max_delay_tsc = 0});
  put(*b.writer, "1");
  EXPECT_TRUE(b.writer->reserve(20).commit(1));
  EXPECT_TRUE(b.writer->reserve(20).commit_packet());
  EXPECT_EQ(b.writer->poll(0), 3U);
  EXPECT_EQ(b.frames().size(), 3U);
}

TEST(LocalWriter, AbortedMessagesDoNotCountTowardsTheFull) {
  WriterBench b(4, 64, {.max_messages = 2, .max_delay_tsc = 0});
  put(*b.writer, "1");
  for (int i = 0; i < 5; ++i) b.writer->reserve(1).abort();
  b.writer->poll(0);
  EXPECT_THAT(b.frames(), IsEmpty());
  put(*b.writer, "2");
  b.writer->poll(0);
  EXPECT_THAT(b.frames(), ElementsAre(Frame{"1", "2"}));
}

TEST(LocalWriter, KeepsItsDeadlineFromTheFirstPollThatSeesAMessage) {
  WriterBench b(4, 64, {.max_messages = 100, .max_delay_tsc = 50});
  EXPECT_EQ(b.writer->poll(1000), 0U);
  put(*b.writer, "one");
  EXPECT_EQ(b.writer->poll(2000), 0U);
  put(*b.writer, "two");
  EXPECT_EQ(b.writer->poll(2049), 0U);
  EXPECT_THAT(b.frames(), IsEmpty());
  EXPECT_EQ(b.writer->poll(2050), 1U);
  EXPECT_THAT(b.frames(), ElementsAre(Frame{"one", "two"}));
}

TEST(LocalWriter, ArmsTheDeadlineAnewForEachFrame) {
  WriterBench b(4, 10, {.max_messages = 100, .max_delay_tsc = 50});
  put(*b.writer, "one");
  b.writer->poll(1000);
  put(*b.writer, "12345678");  // doesn't fit, so it begins a new frame
  EXPECT_EQ(b.writer->poll(1049), 1U);
  EXPECT_EQ(b.writer->poll(1051), 0U) << "the old frame's deadline is not this one's";
  EXPECT_EQ(b.writer->poll(1098), 0U);
  EXPECT_EQ(b.writer->poll(1099), 1U);
  b.writer->poll(1200);
  EXPECT_THAT(b.frames(), ElementsAre(Frame{"one"}, Frame{"12345678"}));
}

TEST(LocalWriter, HasNoDeadlineForWhatIsNotCommitted) {
  WriterBench b(4, 64, {.max_messages = 100, .max_delay_tsc = 50});
  auto r = reserve(*b.writer, "one");
  b.writer->poll(1000);
  b.writer->poll(5000);
  r.commit();
  EXPECT_EQ(b.writer->poll(6000), 0U);
  EXPECT_EQ(b.writer->poll(6050), 1U);
}

TEST(LocalWriter, WithoutADeadlinePollNeverSeals) {
  WriterBench b;
  put(*b.writer, "one");
  EXPECT_EQ(b.writer->poll(1), 0U);
  EXPECT_EQ(b.writer->poll(0xffff'ffff'ffff'ffff), 0U);
  EXPECT_THAT(b.frames(), IsEmpty());
}

TEST(LocalWriter, PollHandsOverWhatIsComplete) {
  WriterBench b(4, 5);
  put(*b.writer, "one");
  put(*b.writer, "two");
  EXPECT_THAT(b.frames(), IsEmpty());
  EXPECT_EQ(b.writer->poll(0), 1U);
  EXPECT_THAT(b.frames(), ElementsAre(Frame{"one"}));
}

TEST(LocalWriter, HandsOverAFullBatchWithoutAPoll) {
  WriterBench b(40, 5);
  for (int i = 0; i < 17; ++i) put(*b.writer, "abc");
  EXPECT_EQ(b.frames().size(), 16U);
}

TEST(LocalWriter, StarvesOnAnEmptyPoolAndGoesOnWithNothingLost) {
  WriterBench b(2, 5);
  put(*b.writer, "one");
  for (int i = 0; i < 3; ++i) {
    const auto r = b.writer->reserve(3);
    EXPECT_FALSE(r);
    EXPECT_EQ(r.failure(), ReserveFailure::kNoBuffer);
  }
  EXPECT_EQ(b.writer->stats().starved, 3U);
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"one"}));
  put(*b.writer, "two");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"two"}));
}

TEST(LocalWriter, AStarvingReserveHandsOverWhatIsComplete) {
  WriterBench b(3, 5);
  put(*b.writer, "one");
  put(*b.writer, "two");
  EXPECT_FALSE(b.writer->reserve(3));
  // Nobody calls poll(). A writer that only tries to reserve again must still get its buffers back.
  EXPECT_THAT(b.frames(), ElementsAre(Frame{"one"}, Frame{"two"}));
  put(*b.writer, "thr");
}

TEST(LocalWriter, AStarvingWriterHoldsNoBufferThatAnotherNeeds) {
  WriterBench b(3, 8);
  FrameRing other_ring(3);
  LocalWriter other(b.pool, other_ring, small_frames(8));
  rte_mbuf* elsewhere = b.pool.try_acquire();
  ASSERT_NE(elsewhere, nullptr);
  {
    rte_mbuf* one_more = b.pool.try_acquire();
    EXPECT_FALSE(other.reserve(3)) << "a frame and a spare one are two buffers";
    BufferPool::release(one_more);
  }
  put(*b.writer, "one");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"one"}));
  BufferPool::release(elsewhere);
}

TEST(LocalWriter, KeepsCompleteFramesInOrderWhileTheRingIsFull) {
  // Two writers on one ring, which has room for the buffers of one pool only. The contract forbids
  // this, but nothing may be lost or overwritten even then.
  WriterBench first(64, 64, {.max_messages = 1});
  test::FullPool pool(64);
  {
    LocalWriter second(pool, first.ring, small_frames(64, {.max_messages = 1}));
    for (int i = 0; i < 60; ++i) put(*first.writer, "first");
    first.writer->flush();
    for (int i = 0; i < 40; ++i) {
      auto r = second.reserve(2);
      if (!r) break;
      std::memcpy(r.data(), std::to_string(10 + i).data(), 2);
      r.commit();
    }
    std::vector<std::string> got;
    for (int turn = 0; turn < 10; ++turn) {
      for (const Frame& frame : first.frames())
        if (frame[0] != "first") got.push_back(frame[0]);
      second.flush();
    }
    ASSERT_GE(got.size(), 18U);
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], std::to_string(10 + i));
    EXPECT_TRUE(second.idle());
    for (int i = 0; i < 60; ++i) put(*first.writer, "first");
    first.writer->flush();
    for (int i = 0; i < 40; ++i) {
      auto r = second.reserve(2);
      if (r) r.commit();
    }
  }
  (void)first.frames();
}

}  // namespace
}  // namespace bab
