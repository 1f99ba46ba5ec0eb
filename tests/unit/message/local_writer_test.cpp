#include <bab/message/local_writer.hpp>

#include <cstring>
#include <iterator>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>

#include "lcores.hpp"
#include "packets.hpp"
#include "writer_bench.hpp"

namespace bab {
namespace {

using test::Frame;
using test::put;
using test::reserve;
using test::small_frames;
using test::text_of;
using test::WriterBench;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string error_of(BufferPool& pool, FrameRing& ring, const WriterOptions& options) {
  try {
    const LocalWriter writer(pool, ring, options);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(LocalWriter, PacksMessagesIntoOneFrameInOrder) {
  WriterBench b;
  put(*b.writer, "one");
  put(*b.writer, "two");
  put(*b.writer, "three");
  EXPECT_THAT(b.frames(), IsEmpty()) << "nothing asked for a flush";
  EXPECT_FALSE(b.writer->idle());
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"one", "two", "three"}));
  EXPECT_TRUE(b.writer->idle());
  EXPECT_EQ(b.writer->stats().frames, 1U);
}

TEST(LocalWriter, SealsTheFrameThatIsFull) {
  WriterBench b(4, 20);
  put(*b.writer, "12345678");
  put(*b.writer, "12345678");
  put(*b.writer, "next");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"12345678", "12345678"}, Frame{"next"}));
}

TEST(LocalWriter, SealsTheFrameThatTheNextMessageWouldOverflow) {
  WriterBench b(4, 20);
  put(*b.writer, "12345678");
  put(*b.writer, "123456789");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"12345678"}, Frame{"123456789"}));
}

TEST(LocalWriter, FillsAFrameToItsLastByte) {
  WriterBench b(4, 64);
  const std::string longest(b.writer->max_message(), 'x');
  EXPECT_EQ(longest.size(), 62U);
  put(*b.writer, longest);
  put(*b.writer, longest);
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{longest}, Frame{longest}));
}

TEST(LocalWriter, FillsABufferToItsLastByte) {
  test::FullPool pool(4);
  FrameRing ring(4);
  const auto capacity =
      static_cast<std::uint32_t>(pool.data_room() - RTE_PKTMBUF_HEADROOM - test::kHeaderBytes);
  const std::string longest(capacity - 2, 'x');
  {
    LocalWriter writer(pool, ring, small_frames(capacity));
    put(writer, longest);
  }
  rte_mbuf* m = nullptr;
  ASSERT_EQ(ring.pop({&m, 1}), 1U);
  EXPECT_EQ(rte_pktmbuf_tailroom(m), 0);
  EXPECT_THAT(test::messages_of(m), ElementsAre(longest));
  BufferPool::release(m);
}

TEST(LocalWriter, CarriesMessagesOfNoBytes) {
  WriterBench b(4, 6);
  for (int i = 0; i < 4; ++i) put(*b.writer, "");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"", "", ""}, Frame{""}));
}

TEST(LocalWriter, CarriesFramesThatHoldOnlyMessagesOfNoBytes) {
  WriterBench b(4, 2);
  EXPECT_EQ(b.writer->max_message(), 0U);
  put(*b.writer, "");
  put(*b.writer, "");
  EXPECT_EQ(b.writer->reserve(1).failure(), ReserveFailure::kTooLong);
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{""}, Frame{""}));
}

TEST(LocalWriter, TakesNoneThenSome) {
  WriterBench b;
  put(*b.writer, "");
  put(*b.writer, "12345");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"", "12345"}));
}

TEST(LocalWriter, RefusesAMessageThatNoFrameHolds) {
  WriterBench b(4, 64);
  put(*b.writer, "before");
  for (const std::uint32_t len :
       {63U, 64U, 65534U, 65535U, 65536U, 0x7fff'ffffU, 0xffff'fffdU, 0xffff'fffeU, 0xffff'ffffU}) {
    const auto r = b.writer->reserve(len);
    EXPECT_FALSE(r) << len;
    EXPECT_EQ(r.failure(), ReserveFailure::kTooLong) << len;
    EXPECT_EQ(b.writer->too_long_text(len),
              "a message of " + std::to_string(len) +
                  " bytes is longer than the 62 bytes that a frame can hold");
  }
  put(*b.writer, "after");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"before", "after"}));
  EXPECT_EQ(b.writer->stats().starved, 0U);
}

TEST(LocalWriter, RefusesATooLongMessageBeforeItTakesABuffer) {
  WriterBench b;
  EXPECT_EQ(b.writer->reserve(0xffff'ffff).failure(), ReserveFailure::kTooLong);
  EXPECT_EQ(b.pool.in_use(), 0U);
}

/// Reservations overlap throughout a frame, a few at a time. Only unfinished reservations count
/// towards the maximum, however earlier ones ended.
TEST(LocalWriter, OverlapsForAsLongAsAFrameHasRoom) {
  enum End { kCommit, kShorter, kAbort };
  for (const std::size_t overlap : {1U, 2U, 15U}) {
    for (const bool newest_first : {false, true}) {
      for (const End end : {kCommit, kShorter, kAbort}) {
        // Reservations that end with an abort or a shorter commit are the newest at that time. They
        // therefore leave no holes to note.
        if (end != kCommit && !newest_first) continue;
        WriterBench b(4, 1000);
        std::list<LocalWriter::Reservation> open;
        Frame expected;
        for (int i = 0; i < 100; ++i) {
          while (open.size() < overlap) open.push_back(reserve(*b.writer, "abc"));
          ASSERT_TRUE(open.back());
          auto r = std::move(newest_first ? open.back() : open.front());
          open.erase(newest_first ? std::prev(open.end()) : open.begin());
          const End how = i % 3 == 0 ? end : kCommit;
          if (how == kCommit) {
            r.commit();
          } else if (how == kShorter) {
            ASSERT_TRUE(r.commit(1));
          } else {
            r.abort();
          }
          if (how != kAbort) expected.push_back(how == kCommit ? "abc" : "a");
        }
        if (newest_first) expected.insert(expected.begin(), open.size(), "abc");
        if (!newest_first) expected.insert(expected.end(), open.size(), "abc");
        for (auto& r : open) r.commit();
        EXPECT_THAT(b.flushed(), ElementsAre(expected)) << overlap << newest_first << end;
      }
    }
  }
}

TEST(LocalWriter, GivesAMessageAsPacketWhoseBytesStay) {
  WriterBench b;
  auto r = reserve(*b.writer, "one");
  const std::uint8_t* at = r.data();
  const Packet packet = r.commit_packet();
  EXPECT_FALSE(r);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet.data(), at);
  EXPECT_EQ(text_of(packet), "one");
  put(*b.writer, "two");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"one", "two"}));
  EXPECT_EQ(text_of(packet), "one");
}

TEST(LocalWriter, PacketsTakeOneShareForTheLcore) {
  WriterBench b;
  std::vector<Packet> packets;
  for (int i = 0; i < 5; ++i) packets.push_back(reserve(*b.writer, "one").commit_packet());
  b.writer->flush();
  const std::vector<rte_mbuf*> taken = b.take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(Shares<>::count(taken[0]), 2U);
  packets.clear();
  EXPECT_EQ(Shares<>::count(taken[0]), 1U);
  BufferPool::release(taken[0]);
}

TEST(LocalWriter, PacketsDroppedBeforeTheFrameGoesLeaveOneShare) {
  WriterBench b;
  EXPECT_TRUE(reserve(*b.writer, "one").commit_packet());
  EXPECT_TRUE(reserve(*b.writer, "two").commit_packet());
  b.writer->flush();
  const std::vector<rte_mbuf*> taken = b.take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(Shares<>::count(taken[0]), 1U);
  EXPECT_THAT(test::messages_of(taken[0]), ElementsAre("one", "two"));
  BufferPool::release(taken[0]);
}

TEST(LocalWriter, PacketsOutliveTheFrameAndTheWriter) {
  WriterBench b;
  Packet packet = reserve(*b.writer, "one").commit_packet();
  EXPECT_EQ(b.flushed().size(), 1U);
  b.writer.reset();
  EXPECT_EQ(b.pool.in_use(), 1U);
  EXPECT_EQ(text_of(packet), "one");
}

TEST(LocalWriter, PacketsOfAnOpenFrameCanBeSentToOtherLcores) {
  WriterBench b;
  SendPacket sent = reserve(*b.writer, "one").commit_packet().send();
  test::on_lcore(1, [&] { EXPECT_EQ(text_of(sent.receive()), "one"); });
  sent = reserve(*b.writer, "two").commit_packet().send();
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"one", "two"}));
  test::on_lcore(2, [&] { EXPECT_EQ(text_of(sent.receive()), "two"); });
}

TEST(LocalWriter, TooLongIsTooLongEvenWhenStarving) {
  WriterBench b(2, 5);
  put(*b.writer, "one");
  EXPECT_EQ(b.writer->reserve(4).failure(), ReserveFailure::kTooLong);
}

TEST(LocalWriter, RefusesAThreadWithoutAnLcoreId) {
  WriterBench b;
  std::thread([&] {
    const auto r = b.writer->reserve(3);
    EXPECT_FALSE(r);
    EXPECT_EQ(r.failure(), ReserveFailure::kNoLcore);
  }).join();
  EXPECT_EQ(b.writer->stats().starved, 0U) << "no buffer was missing";
  EXPECT_EQ(b.pool.in_use(), 0U);
  put(*b.writer, "one");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"one"}));
}

#ifdef NDEBUG  // debug builds abort when a second thread uses the writer
TEST(LocalWriter, C03_APacketTakenByAThreadWithoutAnLcoreIdIsOfTheWritersLcore) {
  WriterBench b;
  auto room = reserve(*b.writer, "one");
  Packet packet;
  std::thread([&] { packet = room.commit_packet(); }).join();
  EXPECT_EQ(text_of(packet), "one");
  EXPECT_THAT(b.flushed(), ElementsAre(Frame{"one"}));
}
#endif

TEST(LocalWriter, HandsOverWhatIsCommittedWhenItGoes) {
  WriterBench b(6, 5);
  put(*b.writer, "one");
  put(*b.writer, "two");
  put(*b.writer, "3");
  b.writer.reset();
  EXPECT_THAT(b.frames(), ElementsAre(Frame{"one"}, Frame{"two"}, Frame{"3"}));
}

TEST(LocalWriter, GivesItsBuffersBackWhenItGoes) {
  WriterBench b;
  { auto r = b.writer->reserve(3); }
  EXPECT_GT(b.pool.in_use(), 0U);
  b.writer.reset();
  EXPECT_EQ(b.pool.in_use(), 0U);
}

TEST(LocalWriter, MayGoOnTheLcoreThatMadeItWhenItsOwnHasStopped) {
  WriterBench b;
  SendPacket sent;
  Packet kept;
  test::on_lcore(1, [&] {
    sent = reserve(*b.writer, "one").commit_packet().send();
    kept = reserve(*b.writer, "two").commit_packet();
  });
  b.writer.reset();
  EXPECT_THAT(b.frames(), ElementsAre(Frame{"one", "two"}));
  EXPECT_EQ(text_of(sent.receive()), "one");
  test::on_lcore(1, [&] {
    EXPECT_EQ(text_of(kept), "two");
    kept = Packet();
  });
}

TEST(LocalWriter, LeavesTheFreeBuffersOfAReceivingPoolReadable) {
  BufferPoolOptions options = test::small_pool(2);
  options.receives = true;
  test::FullPool pool(options);
  FrameRing ring(2);
  { (void)LocalWriter(pool, ring, small_frames(64)).reserve(3); }
  rte_mbuf* received = nullptr;  // taken and filled as by a driver, without any call of bab's
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(rte_mempool_get(pool.mempool(), reinterpret_cast<void**>(&received)), 0);
    std::memset(received->buf_addr, 0, received->buf_len);
    rte_mempool_put(pool.mempool(), received);
  }
}

TEST(LocalWriter, RefusesFramesThatDoNotFitTheBuffers) {
  test::FullPool pool(4);
  FrameRing ring(4);
  const std::uint32_t fits = pool.data_room() - 128U - test::kHeaderBytes;
  EXPECT_EQ(error_of(pool, ring, small_frames(fits)), "no error");
  EXPECT_THAT(error_of(pool, ring, small_frames(fits + 1)), HasSubstr("a frame of 2177 bytes"));
  EXPECT_THAT(error_of(pool, ring, small_frames(0xffff'ffff)), HasSubstr("doesn't fit pool"));
  EXPECT_THAT(error_of(pool, ring, small_frames(0)), HasSubstr("payload_capacity is 0 bytes"));
  EXPECT_THAT(error_of(pool, ring, small_frames(1)), HasSubstr("payload_capacity is 1 bytes"));
}

TEST(LocalWriter, RefusesPoolsAndRingsThatAreTooSmall) {
  test::FullPool one(1);
  test::FullPool four(4);
  FrameRing ring(3);
  EXPECT_THAT(error_of(one, ring, small_frames(64)), HasSubstr("at least 2 buffers"));
  EXPECT_THAT(error_of(four, ring, small_frames(64)), HasSubstr("ring holds 3 frames"));
}

TEST(LocalWriter, RefusesPoliciesThatNoFrameMeets) {
  test::FullPool pool(4);
  FrameRing ring(4);
  EXPECT_THAT(error_of(pool, ring, small_frames(64, {0, 0})), HasSubstr("1 to 65534"));
  EXPECT_THAT(error_of(pool, ring, small_frames(64, {65535, 0})), HasSubstr("1 to 65534"));
}

}  // namespace
}  // namespace bab
