#include <bab/message/write_flusher.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flusher_bench.hpp"
#include "packets.hpp"

namespace bab {
namespace {

using test::Frame;
using test::put;
using test::Sent;
using test::TestSink;
using test::WriterBench;
using testing::ElementsAre;

using Flusher = WriteFlusher<TestSink>;

struct WriteFlusherTest : testing::Test {
  /// Hands over one frame for each text, with this one message in it.
  void frames(WriterBench& bench, const Frame& texts) {
    for (const std::string& text : texts) {
      put(*bench.writer, text);
      bench.writer->flush();
    }
  }

  TestSink sink;
  wire::FrameHeader header{test::header_options()};
  WriterBench b{8, 64};
};

TEST_F(WriteFlusherTest, NumbersMessagesFromOne) {
  Flusher flusher(sink, header);
  flusher.add(b.ring);
  EXPECT_TRUE(flusher.idle());
  EXPECT_EQ(flusher.poll(), 0U);
  EXPECT_EQ(sink.calls, 0U) << "no empty bursts";
  put(*b.writer, "one");
  put(*b.writer, "two");
  b.writer->flush();
  frames(b, {"three", ""});
  EXPECT_FALSE(flusher.idle());
  EXPECT_GT(flusher.poll(), 0U);
  EXPECT_TRUE(flusher.idle());
  EXPECT_THAT(sink.sent,
              ElementsAre(Sent{1, {"one", "two"}, 0}, Sent{3, {"three"}, 0}, Sent{4, {""}, 0}));
  EXPECT_EQ(flusher.next_sequence(), 5U);
  EXPECT_EQ(flusher.stats().frames, 3U);
  EXPECT_EQ(flusher.stats().messages, 4U);
  EXPECT_EQ(flusher.stats().bytes, 11U);
  EXPECT_EQ(flusher.stats().dropped_messages, 0U);
}

TEST_F(WriteFlusherTest, NumbersFromWhereItIsTold) {
  Flusher flusher(sink, header, 32, 0xffff'ffff);
  flusher.add(b.ring);
  frames(b, {"a", "b"});
  flusher.poll();
  EXPECT_THAT(sink.sent, ElementsAre(Sent{0xffff'ffff, {"a"}, 0}, Sent{0x1'0000'0000, {"b"}, 0}));
}

TEST_F(WriteFlusherTest, BeginsAnotherSession) {
  Flusher flusher(sink, header);
  flusher.add(b.ring);
  frames(b, {"a", "b"});
  flusher.poll();
  wire::FrameHeaderOptions other = test::header_options();
  other.source_mac = {2, 0, 0, 0, 0, 7};
  flusher.begin_session(wire::FrameHeader(other));
  frames(b, {"c"});
  flusher.poll();
  EXPECT_EQ(sink.last_source, other.source_mac);
  EXPECT_THAT(sink.sent, ElementsAre(Sent{1, {"a"}, 0}, Sent{2, {"b"}, 0}, Sent{1, {"c"}, 0}));
  EXPECT_EQ(flusher.stats().messages, 3U);
}

TEST_F(WriteFlusherTest, KeepsWhatTheSinkDoesNotTakeInOrder) {
  Flusher flusher(sink, header);
  flusher.add(b.ring);
  sink.room = 2;
  frames(b, {"1", "2", "3", "4", "5"});
  flusher.poll();
  EXPECT_EQ(flusher.pending(), 3U);
  EXPECT_EQ(flusher.stats().frames, 2U);
  frames(b, {"6"});
  flusher.poll();
  EXPECT_EQ(flusher.pending(), 4U) << "the sink is full";
  EXPECT_FALSE(flusher.idle());
  sink.room = 1;
  flusher.poll();
  EXPECT_EQ(flusher.pending(), 3U);
  sink.room = 100;
  flusher.poll();
  EXPECT_TRUE(flusher.idle());
  EXPECT_THAT(sink.sent, ElementsAre(Sent{1, {"1"}, 0}, Sent{2, {"2"}, 0}, Sent{3, {"3"}, 0},
                                     Sent{4, {"4"}, 0}, Sent{5, {"5"}, 0}, Sent{6, {"6"}, 0}));
}

TEST_F(WriteFlusherTest, ASinkThatTakesNothingEmptiesThePoolAndLosesNothing) {
  Flusher flusher(sink, header);
  flusher.add(b.ring);
  sink.room = 0;
  unsigned accepted = 0;
  for (int i = 0; i < 100; ++i) {
    if (auto r = b.writer->reserve(1)) {
      *r.data() = 'x';
      r.commit();
      ++accepted;
    }
    b.writer->flush();
    flusher.poll();
  }
  EXPECT_EQ(accepted, 7U) << "all buffers but the writer's spare one";
  EXPECT_FALSE(b.writer->reserve(1));
  sink.room = 100;
  flusher.poll();
  EXPECT_EQ(sink.sent.size(), 7U);
  EXPECT_TRUE(b.writer->reserve(1));
}

TEST_F(WriteFlusherTest, KeepsTheSinkNearOnlyWhereItHasNothingForIt) {
  struct NearSink : TestSink {
    void keep_near() noexcept { ++near; }
    unsigned near = 0;
  } near_sink;
  WriteFlusher<NearSink> flusher(near_sink, header);
  flusher.add(b.ring);
  flusher.poll();
  EXPECT_EQ(near_sink.near, 1U);
  near_sink.room = 0;
  frames(b, {"1"});
  flusher.poll();
  flusher.poll();
  EXPECT_EQ(near_sink.near, 1U);
  near_sink.room = 1;
  flusher.poll();
  flusher.poll();
  EXPECT_EQ(near_sink.near, 2U);
  EXPECT_THAT(near_sink.sent, ElementsAre(Sent{1, {"1"}, 0}));
}

TEST_F(WriteFlusherTest, OffersNoMoreThanABurst) {
  Flusher flusher(sink, header, 3);
  flusher.add(b.ring);
  frames(b, {"1", "2", "3", "4", "5"});
  EXPECT_EQ(flusher.poll(), 6U) << "three came in, three went out";
  EXPECT_EQ(sink.sent.size(), 3U);
  EXPECT_EQ(sink.largest_burst, 3U);
  flusher.poll();
  EXPECT_EQ(sink.sent.size(), 5U);
}

TEST_F(WriteFlusherTest, ABurstOfNoneIsOne) {
  Flusher flusher(sink, header, 0);
  flusher.add(b.ring);
  frames(b, {"1", "2"});
  flusher.poll();
  EXPECT_EQ(sink.sent.size(), 1U);
  flusher.poll();
  EXPECT_EQ(sink.sent.size(), 2U);
}

TEST_F(WriteFlusherTest, ServesSeveralRingsInTurn) {
  WriterBench other(8, 64);
  WriterBench third(8, 64);
  Flusher flusher(sink, header, 2);
  flusher.add(b.ring);
  flusher.add(other.ring);
  flusher.add(third.ring);
  frames(b, {"a1", "a2", "a3", "a4"});
  frames(other, {"b1", "b2"});
  frames(third, {"c1", "c2", "c3"});
  std::vector<std::string> order;
  for (int i = 0; i < 20; ++i) flusher.poll();
  for (const Sent& sent : sink.sent) order.push_back(sent.messages.at(0));
  EXPECT_THAT(order, ElementsAre("a1", "a2", "b1", "b2", "c1", "c2", "a3", "a4", "c3"))
      << "no ring starves another, and each one's order is kept";
  for (std::size_t i = 0; i < sink.sent.size(); ++i) EXPECT_EQ(sink.sent[i].sequence, i + 1);
}

TEST_F(WriteFlusherTest, DropPendingCountsEverythingAndKeepsTheGap) {
  Flusher flusher(sink, header, 2);
  flusher.add(b.ring);
  sink.room = 0;
  put(*b.writer, "1");
  put(*b.writer, "2");
  b.writer->flush();
  frames(b, {"3", "4", "5"});
  flusher.poll();
  EXPECT_EQ(flusher.pending(), 2U);
  EXPECT_EQ(flusher.drop_pending(), 4U) << "those in the ring too";
  EXPECT_TRUE(flusher.idle());
  EXPECT_EQ(flusher.drops()[Drop::kTxFull], 4U);
  EXPECT_EQ(flusher.stats().dropped_messages, 5U);
  EXPECT_EQ(flusher.stats().dropped_bytes, flusher.stats().bytes);
  EXPECT_EQ(flusher.stats().messages, 5U);
  EXPECT_EQ(flusher.stats().frames, 0U);
  EXPECT_LE(b.pool.in_use(), 1U);
  EXPECT_EQ(flusher.drop_pending(), 0U);
  sink.room = 1;
  frames(b, {"6"});
  flusher.poll();
  EXPECT_THAT(sink.sent, ElementsAre(Sent{6, {"6"}, 0})) << "receivers see the gap";
}

TEST_F(WriteFlusherTest, CountsEveryWritersFramesApart) {
  LocalWriter other(b.pool, b.ring, {64, header.size(), {}, 3});
  Flusher flusher(sink, header);
  flusher.add(b.ring);
  EXPECT_TRUE(flusher.writers().empty());
  frames(b, {"one", "two"});
  put(other, "three");
  put(other, "four");
  other.flush();
  flusher.poll();
  sink.room = 0;
  put(other, "five");
  other.flush();
  flusher.poll();
  flusher.drop_pending();
  const auto writers = flusher.writers();
  ASSERT_EQ(writers.size(), 2U);
  EXPECT_EQ(writers[0].id, 7U);
  EXPECT_EQ(writers[0].frames, 2U);
  EXPECT_EQ(writers[0].messages, 2U);
  EXPECT_EQ(writers[0].bytes, 6U);
  EXPECT_EQ(writers[0].dropped_messages, 0U);
  EXPECT_EQ(writers[1].id, 3U);
  EXPECT_EQ(writers[1].frames, 2U);
  EXPECT_EQ(writers[1].messages, 3U);
  EXPECT_EQ(writers[1].bytes, 13U);
  EXPECT_EQ(writers[1].dropped_messages, 1U);
}

TEST_F(WriteFlusherTest, CountsWritersBeyondItsTableTogether) {
  Flusher flusher(sink, header);
  flusher.add(b.ring);
  constexpr std::uint32_t kMore = 5;
  for (std::uint32_t id = 0; id < Flusher::kMaxWriters + kMore; ++id) {
    LocalWriter(b.pool, b.ring, {64, header.size(), {}, id}).reserve(1).commit();
    flusher.poll();
  }
  const auto writers = flusher.writers();
  ASSERT_EQ(writers.size(), Flusher::kMaxWriters + 1);
  EXPECT_EQ(writers[7].id, 7U);
  EXPECT_EQ(writers[7].messages, 1U);
  EXPECT_EQ(writers.back().id, FlushedWriter::kOthers);
  EXPECT_EQ(writers.back().messages, kMore);
}

TEST_F(WriteFlusherTest, GoneItLeavesNoFrameBehind) {
  sink.room = 1;
  {
    Flusher flusher(sink, header, 2);
    flusher.add(b.ring);
    frames(b, {"1", "2", "3"});
    flusher.poll();
  }
  b.writer.reset();
  EXPECT_EQ(b.pool.in_use(), 0U);
}

TEST_F(WriteFlusherTest, StampsFramesWithoutTouchingTheirPackets) {
  Flusher flusher(sink, header);
  flusher.add(b.ring);
  const Packet packet = test::reserve(*b.writer, "one").commit_packet();
  b.writer->flush();
  flusher.poll();
  EXPECT_THAT(sink.sent, ElementsAre(Sent{1, {"one"}, 0}));
  EXPECT_EQ(test::text_of(packet), "one");
}

TEST_F(WriteFlusherTest, AsksTheDeviceForATagThatIsLeftToIt) {
  struct TagSink : TestSink {
    std::vector<std::uint16_t> tags;
    unsigned send(std::span<rte_mbuf*> frames) noexcept {
      for (const rte_mbuf* m : frames) tags.push_back(m->vlan_tci);
      return TestSink::send(frames);
    }
  } tag_sink;
  wire::FrameHeaderOptions options = test::header_options();
  options.vlan_id = 42;
  options.vlan_tag = wire::TagBy::kDevice;
  WriteFlusher<TagSink> flusher(tag_sink, wire::FrameHeader(options));
  flusher.add(b.ring);
  frames(b, {"a"});
  flusher.poll();
  options.vlan_id = 43;  // the tag of the next session
  flusher.begin_session(wire::FrameHeader(options));
  frames(b, {"b"});
  flusher.poll();
  options.vlan_id.reset();
  flusher.begin_session(wire::FrameHeader(options));
  frames(b, {"c"});
  flusher.poll();
  EXPECT_THAT(tag_sink.sent, ElementsAre(Sent{1, {"a"}, RTE_MBUF_F_TX_VLAN},
                                         Sent{1, {"b"}, RTE_MBUF_F_TX_VLAN}, Sent{1, {"c"}, 0}));
  EXPECT_THAT(tag_sink.tags, ElementsAre(42, 43, 0));
}

TEST_F(WriteFlusherTest, WritesAVlanTagWhereThereIsOne) {
  wire::FrameHeaderOptions options = test::header_options();
  options.vlan_id = 42;
  const wire::FrameHeader tagged(options);
  FrameRing ring(8);
  LocalWriter writer(b.pool, ring, {64, tagged.size(), {}, 0});
  Flusher flusher(sink, tagged);
  flusher.add(ring);
  put(writer, "one");
  writer.flush();
  flusher.poll();
  EXPECT_THAT(sink.sent, ElementsAre(Sent{1, {"one"}, 0}));
}

TEST_F(WriteFlusherTest, AsksTheDeviceForTheChecksumsItComputes) {
  using wire::ChecksumBy;
  struct Case {
    ChecksumBy ip, udp;
    std::uint64_t flags;
  };
  for (const Case& c :
       {Case{ChecksumBy::kSoftware, ChecksumBy::kSoftware, 0},
        Case{ChecksumBy::kSoftware, ChecksumBy::kNone, 0},
        Case{ChecksumBy::kDevice, ChecksumBy::kSoftware,
             RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM},
        Case{ChecksumBy::kSoftware, ChecksumBy::kDevice,
             RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM},
        Case{ChecksumBy::kDevice, ChecksumBy::kDevice,
             RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM}}) {
    wire::FrameHeaderOptions options = test::header_options();
    options.ip_checksum = c.ip;
    options.udp_checksum = c.udp;
    TestSink judge;
    judge.rules = {c.ip == ChecksumBy::kSoftware, c.udp == ChecksumBy::kSoftware};
    Flusher flusher(judge, wire::FrameHeader(options));
    flusher.add(b.ring);
    frames(b, {"one"});
    flusher.poll();
    EXPECT_THAT(judge.sent, ElementsAre(Sent{1, {"one"}, c.flags}));
  }
  frames(b, {"one"});
  for (rte_mbuf* m : b.take()) {
    EXPECT_EQ(m->ol_flags, 0U) << "a buffer's next frame starts anew";
    BufferPool::release(m);
  }
}

TEST_F(WriteFlusherTest, SendsTheFramesOfAWriterThatHasGone) {
  Flusher flusher(sink, header);
  flusher.add(b.ring);
  put(*b.writer, "last words");
  b.writer.reset();
  flusher.poll();
  EXPECT_THAT(sink.sent, ElementsAre(Sent{1, {"last words"}, 0}));
}

/// A sink that polls its own flusher is told that there is nothing to do.
TEST_F(WriteFlusherTest, C24_ASinkThatPollsItsOwnFlusherChangesNothing) {
  struct Nosy {
    unsigned send(std::span<rte_mbuf*> frames) noexcept {
      call_it();
      const unsigned n = std::min<unsigned>(room, static_cast<unsigned>(frames.size()));
      taken += n;
      BufferPool::release(std::span<rte_mbuf* const>(frames.data(), n));
      return n;
    }
    std::function<void()> call_it;
    unsigned taken = 0;
    unsigned room = 2;
  } nosy;
  WriteFlusher<Nosy> flusher(nosy, header);
  nosy.call_it = [&flusher] {
    EXPECT_EQ(flusher.poll(), 0U);
    EXPECT_EQ(flusher.drop_pending(), 0U);
    EXPECT_FALSE(flusher.idle());
    EXPECT_GT(flusher.pending(), 0U);
  };
  flusher.add(b.ring);
  frames(b, {"1", "2", "3"});
  flusher.poll();
  EXPECT_EQ(nosy.taken, 2U);
  flusher.poll();
  EXPECT_EQ(nosy.taken, 3U);
  EXPECT_TRUE(flusher.idle());
  EXPECT_EQ(flusher.stats().dropped_messages, 0U);
}

}  // namespace
}  // namespace bab
