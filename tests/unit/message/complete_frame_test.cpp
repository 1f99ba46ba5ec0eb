#include <bab/message/complete_frame.hpp>

#include <array>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/message/write_flusher.hpp>

#include "flusher_bench.hpp"
#include "packets.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::put;
using test::WriterBench;
using testing::ElementsAre;

static_assert(std::input_iterator<CompleteFrame::Iterator>);

std::string text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(CompleteFrame, GivesTheFramesMessagesWhereTheyAre) {
  WriterBench b;
  for (const char* text : {"one", "", "three"}) put(*b.writer, text);
  b.writer->flush();
  for (rte_mbuf* m : b.take()) {
    const CompleteFrame flush(m);
    EXPECT_EQ(flush.writer_id(), 7U);
    EXPECT_EQ(flush.messages(), 3U);
    EXPECT_EQ(flush.payload().size(), 3 * 2U + 8U);
    EXPECT_EQ(flush.bytes().size(), test::kHeaderBytes + flush.payload().size());
    std::vector<std::string> texts;
    for (const std::span<const std::uint8_t> message : flush) {
      EXPECT_GE(message.data(), rte_pktmbuf_mtod(m, const std::uint8_t*));
      texts.push_back(text_of(message));
    }
    EXPECT_THAT(texts, ElementsAre("one", "", "three"));
    BufferPool::release(m);
  }
}

TEST(CompleteFrame, AsAPacketItOutlivesTheFrame) {
  FullPool pool(2);
  FrameRing ring(2);
  LocalWriter writer(pool, ring, test::small_frames(64));
  Packet whole, one;
  const auto keep = [&](std::span<const CompleteFrame> frames, std::uint32_t) noexcept {
    whole = frames[0].packet();
    one = frames[0].packet(*frames[0].begin());
    return static_cast<unsigned>(frames.size());
  };
  WriteFlusher flusher(keep, wire::FrameHeader(test::header_options()));
  flusher.add(ring);
  put(writer, "kept");
  writer.flush();
  flusher.poll();
  EXPECT_EQ(test::text_of(whole), std::string("\0\4kept", 6));
  EXPECT_EQ(test::text_of(one), "kept");
  EXPECT_EQ(pool.in_use(), 2U) << "the frame, and the writer's spare one";
  EXPECT_FALSE(writer.reserve(1)) << "nobody else writes into it";
  EXPECT_EQ(test::text_of(one), "kept");
  whole = Packet();
  EXPECT_FALSE(writer.reserve(1));
  one = Packet();
  EXPECT_TRUE(writer.reserve(1));
}

TEST(CompleteFrame, SharesItsBufferWithTheWritersPackets) {
  WriterBench b(4);
  Packet written = test::reserve(*b.writer, "kept").commit_packet();
  b.writer->flush();
  Packet flushed;
  for (rte_mbuf* m : b.take()) {
    flushed = CompleteFrame(m).packet();
    BufferPool::release(m);
  }
  written = Packet();
  EXPECT_EQ(text_of(flushed.bytes().subspan(2)), "kept");
}

/// Takes `frames_wanted` frames, reads their messages, and leaves the other frames.
struct Leaves {
  unsigned operator()(std::span<const CompleteFrame> frames, std::uint32_t id) noexcept {
    ids.push_back(id);
    unsigned done = 0;
    for (const CompleteFrame& frame : frames) {
      if (frames_wanted == 0) break;
      --frames_wanted;
      ++done;
      for (const auto message : frame) texts.push_back(text_of(message));
    }
    return done;
  }
  unsigned frames_wanted = ~0U;
  std::vector<std::uint32_t> ids;
  std::vector<std::string> texts;
};

TEST(FlushSink, WhatItLeavesOffIsOfferedAgain) {
  Leaves sink;
  WriterBench b{8, 10};
  WriteFlusher flusher(sink, wire::FrameHeader(test::header_options()));
  flusher.add(b.ring);
  for (const char* text : {"aaaaaaaa", "bbbbbbbb", "cccccccc"}) put(*b.writer, text);
  b.writer->flush();
  sink.frames_wanted = 0;
  flusher.poll();
  EXPECT_THAT(sink.texts, ElementsAre());
  EXPECT_EQ(flusher.pending(), 3U);
  sink.frames_wanted = 2;
  flusher.poll();
  EXPECT_THAT(sink.texts, ElementsAre("aaaaaaaa", "bbbbbbbb"));
  EXPECT_EQ(flusher.pending(), 1U);
  sink.frames_wanted = 2;
  flusher.poll();
  EXPECT_THAT(sink.texts, ElementsAre("aaaaaaaa", "bbbbbbbb", "cccccccc"));
  EXPECT_EQ(flusher.stats().frames, 3U);
  EXPECT_TRUE(flusher.idle());
}

TEST(FlushSink, IsGivenOneWritersFramesAtATime) {
  Leaves sink;
  FullPool pool(16);
  FrameRing ring(16);
  LocalWriter a(pool, ring, {64, test::kHeaderBytes, {}, 1});
  LocalWriter b(pool, ring, {64, test::kHeaderBytes, {}, 2});
  WriteFlusher flusher(sink, wire::FrameHeader(test::header_options()));
  flusher.add(ring);
  const auto frame = [](LocalWriter& w, const char* text) {
    put(w, text);
    w.flush();
  };
  for (const char* text : {"a1", "a2"}) frame(a, text);
  for (const char* text : {"b1", "b2"}) frame(b, text);
  frame(a, "a3");
  sink.frames_wanted = 3;
  flusher.poll();
  EXPECT_THAT(sink.ids, ElementsAre(1U, 2U)) << "it left off in the second run";
  sink.frames_wanted = 9;
  flusher.poll();
  EXPECT_THAT(sink.ids, ElementsAre(1U, 2U, 2U, 1U));
  EXPECT_THAT(sink.texts, ElementsAre("a1", "a2", "b1", "b2", "a3"));
}

TEST(FlushSink, TakesBurstsLongerThanItsRuns) {
  Leaves sink;
  WriterBench b{128, 10};
  WriteFlusher flusher(sink, wire::FrameHeader(test::header_options()), 100);
  flusher.add(b.ring);
  for (int i = 0; i < 90; ++i) {
    put(*b.writer, "12345678");
    b.writer->flush();
  }
  flusher.poll();
  EXPECT_EQ(sink.texts.size(), 90U);
  EXPECT_EQ(sink.ids.size(), 3U);
}

/// The simplest sink: a lambda that takes frames and then owns them.
TEST(FunctionSink, TakesFramesFromTheFrontAndOwnsThem) {
  std::vector<rte_mbuf*> taken;
  auto sink = [&](std::span<rte_mbuf*> frames) noexcept {
    if (frames.empty()) return 0U;
    taken.push_back(frames.front());
    return 1U;
  };
  WriterBench b{8, 10};
  WriteFlusher flusher(sink, wire::FrameHeader(test::header_options()));
  flusher.add(b.ring);
  put(*b.writer, "aaaaaaaa");
  put(*b.writer, "bbbbbbbb");
  b.writer->flush();
  flusher.poll();
  EXPECT_EQ(flusher.pending(), 1U);
  flusher.poll();
  std::vector<std::string> texts;
  for (rte_mbuf* m : taken) {
    for (const auto message : CompleteFrame(m)) texts.push_back(text_of(message));
    BufferPool::release(m);
  }
  EXPECT_THAT(texts, ElementsAre("aaaaaaaa", "bbbbbbbb"));
}

// A type whose send() may throw is no sink.
struct Throws {
  unsigned send(std::span<rte_mbuf*>) { return 0; }
};
static_assert(!FrameSink<Throws>);
static_assert(!FrameSink<unsigned (*)(std::span<rte_mbuf*>)>);
static_assert(FrameSink<unsigned (*)(std::span<rte_mbuf*>) noexcept>);

/// Sinks with one more member, whose type isn't quite the one that a flusher asks for.
struct Plain {
  unsigned send(std::span<rte_mbuf*> frames) noexcept;
};
struct NearThatThrows : Plain {
  void keep_near();
};
struct MtuOfNoConstSink : Plain {
  std::uint32_t mtu() noexcept;
};
struct CapacityInBytes : Plain {
  [[nodiscard]] std::uint64_t capacity() const noexcept;
};
struct Whole : Plain {
  void keep_near() noexcept;
  [[nodiscard]] std::uint32_t mtu() const noexcept;
  [[nodiscard]] unsigned capacity() const noexcept;
};
static_assert(FrameSink<Plain> && !NearSink<Plain> && !LimitedSink<Plain> && !BoundedSink<Plain>);
static_assert(FrameSink<Whole> && NearSink<Whole> && LimitedSink<Whole> && BoundedSink<Whole>);
static_assert(!FrameSink<NearThatThrows> && !FrameSink<MtuOfNoConstSink> &&
              !FrameSink<CapacityInBytes>);
static_assert(FrameSink<Leaves> && FlushFunction<Leaves> && !SendingSink<Leaves>);

}  // namespace
}  // namespace bab
