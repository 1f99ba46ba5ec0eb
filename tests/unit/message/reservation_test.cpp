#include <bab/message/reservation.hpp>

#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "packets.hpp"
#include "writer_bench.hpp"

namespace bab {
namespace {

using test::fill;
using test::Frame;
using test::put;
using test::reserve;
using test::text_of;
using test::WriterBench;
using testing::ElementsAre;
using testing::IsEmpty;

struct ReservationTest : testing::Test {
  WriterBench b{4, 64};
};

TEST_F(ReservationTest, HasTheRoomAskedFor) {
  auto r = b.writer->reserve(5);
  ASSERT_TRUE(r);
  EXPECT_EQ(r.failure(), ReserveFailure::kNone);
  EXPECT_EQ(r.size(), 5U);
  EXPECT_EQ(r.bytes().size(), 5U);
  EXPECT_EQ(r.bytes().data(), r.data());
}

TEST_F(ReservationTest, CommitPublishesTheWhole) {
  auto r = reserve(*b.writer, "hello");
  r.commit();
  EXPECT_FALSE(r);
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"hello"}));
}

TEST_F(ReservationTest, CommitsOnlyOnce) {
  auto r = reserve(*b.writer, "hello");
  r.commit();
  r.commit();
  EXPECT_FALSE(r.commit(2));
  EXPECT_FALSE(r.commit_packet());
  r.abort();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"hello"}));
}

TEST_F(ReservationTest, CommitsAnyShorterLength) {
  for (std::uint32_t n = 0; n <= 5; ++n) {
    auto r = reserve(*b.writer, "hello");
    EXPECT_TRUE(r.commit(n));
    EXPECT_FALSE(r);
  }
  put(*b.writer, "end");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"", "h", "he", "hel", "hell", "hello", "end"}));
}

TEST_F(ReservationTest, ACommitOfMoreThanThereIsAborts) {
  put(*b.writer, "before");
  for (const std::uint64_t n : {6ULL, 0xffffULL, 0x1'0000'0000ULL, 0x1'0000'0003ULL, ~0ULL}) {
    auto r = reserve(*b.writer, "hello");
    EXPECT_FALSE(r.commit(n)) << n;
    EXPECT_FALSE(r);
  }
  put(*b.writer, "after");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"before", "after"}));
}

TEST_F(ReservationTest, AbortPublishesNothing) {
  put(*b.writer, "before");
  auto r = reserve(*b.writer, "hello");
  r.abort();
  EXPECT_FALSE(r);
  put(*b.writer, "after");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"before", "after"}));
}

TEST_F(ReservationTest, DroppedItAborts) {
  { auto r = reserve(*b.writer, "hello"); }
  EXPECT_TRUE(b.writer->idle());
  EXPECT_THAT(b.flushed(), IsEmpty());
}

TEST_F(ReservationTest, AbortedAtTheEndItsRoomIsUsedAgain) {
  auto first = b.writer->reserve(20);
  const std::uint8_t* at = first.data();
  first.abort();
  auto second = b.writer->reserve(30);
  EXPECT_EQ(second.data(), at);
}

TEST_F(ReservationTest, CommittedShorterAtTheEndItsRestIsUsedAgain) {
  EXPECT_TRUE(b.writer->reserve(60).commit(1));
  put(*b.writer, std::string(59, 'x'));
  EXPECT_EQ(b.flushed().size(), 1U);
}

TEST_F(ReservationTest, MovesLeaveNothingBehind) {
  auto a = reserve(*b.writer, "hello");
  auto moved = std::move(a);
  EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): this is what the test is about
  a.abort();
  a.commit();
  EXPECT_FALSE(a.commit_packet());
  ASSERT_TRUE(moved);
  moved.commit();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"hello"}));
}

TEST_F(ReservationTest, AFailedOneDoesNothing) {
  auto r = b.writer->reserve(1000);
  EXPECT_FALSE(r);
  r.commit();
  EXPECT_FALSE(r.commit(0));
  EXPECT_FALSE(r.commit_packet());
  r.abort();
  EXPECT_EQ(r.failure(), ReserveFailure::kTooLong);
  EXPECT_THAT(b.flushed(), IsEmpty());
}

TEST_F(ReservationTest, MayBeSettledInAnyOrder) {
  auto one = b.writer->reserve(3);
  auto two = b.writer->reserve(3);
  auto three = b.writer->reserve(5);
  fill(three, "three");
  three.commit();
  EXPECT_FALSE(b.writer->idle());
  fill(one, "one");
  one.commit();
  fill(two, "two");
  two.commit();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"one", "two", "three"}));
}

TEST_F(ReservationTest, CanBeFilledWhileOthersCome) {
  auto first = b.writer->reserve(5);
  put(*b.writer, "second");
  fill(first, "first");
  first.commit();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"first", "second"}));
}

TEST_F(ReservationTest, StaysValidAcrossFrameChanges) {
  auto slow = b.writer->reserve(4);
  put(*b.writer, std::string(50, 'a'));
  put(*b.writer, std::string(50, 'b'));  // opens the second frame
  EXPECT_THAT(b.flushed(), IsEmpty()) << "nothing overtakes a slow message";
  EXPECT_FALSE(b.writer->idle());
  fill(slow, "slow");
  slow.commit();
  b.writer->poll(0);
  EXPECT_THAT(b.frames(),
              ElementsAre(Frame{"slow", std::string(50, 'a')}, Frame{std::string(50, 'b')}));
}

TEST_F(ReservationTest, AFlushDoesNotWaitForIt) {
  auto slow = b.writer->reserve(4);
  put(*b.writer, "one");
  b.writer->flush();
  put(*b.writer, "two");
  EXPECT_THAT(b.flushed(), IsEmpty());
  fill(slow, "slow");
  slow.commit();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"slow", "one"}, Frame{"two"}));
}

TEST_F(ReservationTest, SettledLateItMayPublishAsPacket) {
  auto slow = b.writer->reserve(4);
  put(*b.writer, "one");
  b.writer->flush();
  fill(slow, "slow");
  const Packet packet = slow.commit_packet();
  EXPECT_EQ(text_of(packet), "slow");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"slow", "one"}));
  EXPECT_EQ(text_of(packet), "slow");
}

TEST_F(ReservationTest, ThoseOfManyFramesMayBeSettledBackwards) {
  WriterBench many(8, 8);
  std::vector<LocalWriter::Reservation> open;
  std::vector<Frame> expected;
  for (char c = 'a'; c < 'e'; ++c) {
    open.push_back(reserve(*many.writer, std::string(6, c)));
    expected.push_back({std::string(6, c)});
  }
  EXPECT_EQ(many.writer->reserve(6).failure(), ReserveFailure::kNoBuffer);
  while (open.size() > 1) {
    open.back().commit();
    open.pop_back();
    EXPECT_THAT(many.flushed(), IsEmpty());
  }
  open.back().commit();
  EXPECT_EQ(many.flushed(), expected);
}

TEST_F(ReservationTest, AFrameWithNothingCommittedGivesUpItsPlace) {
  auto one = b.writer->reserve(60);
  auto two = reserve(*b.writer, std::string(60, '2'));
  two.commit();
  EXPECT_THAT(b.flushed(), IsEmpty());
  one.abort();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{std::string(60, '2')}));
  EXPECT_EQ(b.writer->stats().frames, 1U);
}

TEST_F(ReservationTest, MoreThanTheHolesThereAreOpenANewFrame) {
  WriterBench wide(8, 1000);
  std::vector<LocalWriter::Reservation> open;
  Frame all;
  for (unsigned i = 0; i < 2 * BufferMeta::kMaxHoles + 5; ++i) {
    all.push_back(std::to_string(i));
    open.push_back(reserve(*wide.writer, all.back()));
  }
  for (auto& r : open) r.commit();
  Frame got;
  for (const Frame& frame : wide.flushed()) {
    EXPECT_LE(frame.size(), BufferMeta::kMaxHoles);
    got.insert(got.end(), frame.begin(), frame.end());
  }
  EXPECT_EQ(got, all);
}

TEST_F(ReservationTest, MovesAsValuesDo) {
  auto first = reserve(*b.writer, "first");
  auto second = reserve(*b.writer, "second");
  first = std::move(second);  // aborts the reservation that `first` held
  EXPECT_FALSE(second);       // NOLINT(bugprone-use-after-move): this is what the test checks
  EXPECT_EQ(first.size(), 6U);
  auto& same = first;
  first = std::move(same);
  ASSERT_TRUE(first);
  auto third = LocalWriter::Reservation(ReserveFailure::kTooLong);
  EXPECT_EQ(third.failure(), ReserveFailure::kTooLong);
  third = std::move(first);
  EXPECT_EQ(third.failure(), ReserveFailure::kNone);
  third.commit();
  first = LocalWriter::Reservation(ReserveFailure::kNoBuffer);
  EXPECT_EQ(first.failure(), ReserveFailure::kNoBuffer);
  std::vector<LocalWriter::Reservation> many;
  for (const char* text : {"a", "b", "c"}) many.push_back(reserve(*b.writer, text));
  std::swap(many[0], many[2]);
  many.erase(many.begin());  // erases the reservation of "c"
  for (auto& r : many) r.commit();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"second", "a", "b"}));
}

}  // namespace
}  // namespace bab
