#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/message/local_writer.hpp>

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

using Reservations = std::vector<LocalWriter::Reservation>;

Reservations reserve_all(LocalWriter& writer, const Frame& texts) {
  Reservations all;
  for (const std::string& text : texts) all.push_back(reserve(writer, text));
  return all;
}

TEST(LocalWriterHoles, ClosesHolesInPlaceWhenNoPacketIsOut) {
  // Aborts each combination of the four messages, from one message to three: at the start, in the
  // middle, at the end, side by side.
  for (unsigned aborted = 1; aborted < 15; ++aborted) {
    WriterBench b;
    const Frame texts{"one", "two", "three", "4"};
    Reservations open = reserve_all(*b.writer, texts);
    Frame expected;
    for (unsigned i = 0; i < texts.size(); ++i) {
      if ((aborted >> i & 1) != 0) {
        open[i].abort();
      } else {
        open[i].commit();
        expected.push_back(texts[i]);
      }
    }
    EXPECT_THAT(b.flushed(), ElementsAre(expected)) << aborted;
    EXPECT_EQ(b.writer->stats().gathered, 0U);
  }
}

TEST(LocalWriterHoles, ClosesThemWhateverTheOrderTheyCameIn) {
  WriterBench b(4, 200);
  Reservations open = reserve_all(*b.writer, {"one", "two", "three", "four", "five", "six"});
  for (const unsigned i : {4U, 0U, 2U}) open[i].abort();
  for (const unsigned i : {5U, 1U, 3U}) open[i].commit();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"two", "four", "six"}));
}

TEST(LocalWriterHoles, ClosesThoseOfShorterCommits) {
  WriterBench b(4, 200);
  Reservations open = reserve_all(*b.writer, {"one...", "two...", "three..", "four"});
  EXPECT_TRUE(open[1].commit(3));
  EXPECT_TRUE(open[2].commit(0));
  EXPECT_TRUE(open[0].commit(3));
  open[3].commit();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"one", "two", "", "four"}));
}

TEST(LocalWriterHoles, AllAbortedTheFrameIsAsNew) {
  WriterBench b(4, 64);
  Reservations open = reserve_all(*b.writer, {"one", "two", "three"});
  const std::uint8_t* start = open[0].data();
  for (const unsigned i : {0U, 2U, 1U}) open[i].abort();
  EXPECT_TRUE(b.writer->idle());
  auto whole = b.writer->reserve(62);
  EXPECT_EQ(whole.data(), start);
  fill(whole, std::string(62, 'x'));
  whole.commit();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{std::string(62, 'x')}));
}

TEST(LocalWriterHoles, GathersACopyWhenPacketsAreOut) {
  WriterBench b(4, 64);
  Reservations open = reserve_all(*b.writer, {"one", "two", "three"});
  const Packet one = open[0].commit_packet();
  const Packet three = open[2].commit_packet();
  const std::uint8_t* at = three.data();
  open[1].abort();
  b.writer->flush();
  const std::vector<rte_mbuf*> taken = b.take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_THAT(test::messages_of(taken[0]), ElementsAre("one", "three"));
  EXPECT_EQ(b.writer->stats().gathered, 1U);
  EXPECT_EQ(three.data(), at);
  EXPECT_EQ(text_of(one), "one");
  EXPECT_EQ(text_of(three), "three");
  EXPECT_EQ(Shares<>::count(taken[0]), 1U);
  BufferPool::release(taken[0]);
  EXPECT_EQ(text_of(three), "three");
}

TEST(LocalWriterHoles, APacketDoesNotMoveEvenWhenItIsTheOnlyMessage) {
  WriterBench b(4, 64);
  Reservations open = reserve_all(*b.writer, {"hole", "message", "hole"});
  const Packet packet = open[1].commit_packet();
  const std::uint8_t* at = packet.data();
  open[0].abort();
  open[2].abort();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"message"}));
  EXPECT_EQ(packet.data(), at);
  EXPECT_EQ(text_of(packet), "message");
}

TEST(LocalWriterHoles, AHoleAtTheEndOfASealedFrameIsCutOff) {
  WriterBench b(4, 64);
  put(*b.writer, "one");
  auto slow = b.writer->reserve(20);
  b.writer->flush();
  EXPECT_TRUE(slow.commit(0));
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"one", ""}));
  put(*b.writer, "two");
  auto aborted = b.writer->reserve(20);
  b.writer->flush();
  aborted.abort();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"two"}));
}

TEST(LocalWriterHoles, AnAbandonedFrameWithPacketsSentOnIsGathered) {
  WriterBench b(4, 64);
  Reservations open = reserve_all(*b.writer, {"hole", "message"});
  SendPacket sent = open[1].commit_packet().send();
  open[0].abort();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"message"}));
  EXPECT_EQ(text_of(sent.receive()), "message");
}

TEST(LocalWriterHoles, NotesAsManyAsThereCanBe) {
  // Aborts messages in front of committed ones, until the frame has to be sealed. Then one more
  // message is aborted in the sealed frame.
  WriterBench b(4, 1000);
  Frame all;
  for (unsigned i = 0; i + 1 < BufferMeta::kMaxHoles; ++i) {
    auto hole = b.writer->reserve(3);
    all.push_back(std::to_string(i));
    put(*b.writer, all.back());
    hole.abort();
  }
  auto last = b.writer->reserve(3);
  put(*b.writer, "next frame");
  last.abort();
  EXPECT_THAT(b.flushed(), ElementsAre(all, Frame{"next frame"}));
}

TEST(LocalWriterHoles, AllSixteenReservationsOfASealedFrameMayLeaveOne) {
  WriterBench b(4, 1000);
  Reservations open;
  put(*b.writer, "m");
  for (unsigned i = 0; i < BufferMeta::kMaxHoles; ++i) open.push_back(b.writer->reserve(3));
  b.writer->flush();
  for (unsigned i = 0; i < BufferMeta::kMaxHoles; ++i) {
    if (i % 2 == 0)
      open[i].abort();
    else
      EXPECT_TRUE(open[i].commit(0));
  }
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"m", "", "", "", "", "", "", "", ""}));
}

TEST(LocalWriterHoles, AGatheredCopyIsCertainEvenWithAnEmptyPool) {
  WriterBench b(4, 20);
  Reservations open;
  std::vector<Packet> packets;
  std::vector<Frame> expected;
  for (const char* text : {"first", "other"}) {
    open.push_back(b.writer->reserve(11));
    packets.push_back(reserve(*b.writer, text).commit_packet());
    expected.push_back({text});
  }
  EXPECT_EQ(b.pool.available(), 0U) << "two frames and a spare one for each";
  EXPECT_FALSE(b.writer->reserve(11));
  open[1].abort();
  EXPECT_THAT(b.flushed(), IsEmpty());
  open[0].abort();
  EXPECT_EQ(b.flushed(), expected);
  EXPECT_EQ(b.writer->stats().gathered, 2U);
  EXPECT_EQ(text_of(packets[0]), "first");
  EXPECT_EQ(text_of(packets[1]), "other");
}

TEST(LocalWriterHoles, SpareBuffersGoBackWhenTheyAreNotNeeded) {
  WriterBench b(8, 8);
  Reservations open = reserve_all(*b.writer, {"111111", "222222", "333333"});
  EXPECT_EQ(b.pool.in_use(), 6U);
  for (auto& r : open) r.commit();
  EXPECT_EQ(b.flushed().size(), 3U);
  EXPECT_LE(b.pool.in_use(), 1U);
}

}  // namespace
}  // namespace bab
