#include <bab/message/offer_pace.hpp>

#include <algorithm>
#include <cstdint>

#include <gtest/gtest.h>

#include <bab/message/write_flusher.hpp>

#include "flusher_bench.hpp"
#include "packets.hpp"

namespace bab {
namespace {

constexpr std::uint64_t kLongest = 1280;
constexpr std::uint64_t kShortest = kLongest / OfferPace::kShortestPart;
constexpr std::uint64_t kTurn = 5;  // cycles per turn of the loop

/// A device's TX queue. It is full at first, and sends one frame every `cycles`.
class SlowQueue {
 public:
  SlowQueue(unsigned length, std::uint64_t cycles) : length_(length), cycles_(cycles) {}

  unsigned take(unsigned frames, std::uint64_t now) {
    go_on(now);
    const unsigned room = std::min(length_ - filled_, frames);
    filled_ += room;
    taken += room;
    ++offers;
    return room;
  }
  /// Sends nothing before `until`.
  void stall(std::uint64_t now, std::uint64_t until) {
    go_on(now);
    at_ = until;
  }

  std::uint64_t taken = 0;
  std::uint64_t offers = 0;

 private:
  void go_on(std::uint64_t now) {
    if (now <= at_) return;
    const std::uint64_t gone = std::min<std::uint64_t>(filled_, (now - at_) / cycles_);
    at_ = gone == filled_ ? now : at_ + gone * cycles_;
    filled_ -= static_cast<unsigned>(gone);
  }

  unsigned length_;
  std::uint64_t cycles_;
  unsigned filled_ = length_;
  std::uint64_t at_ = 0;
};

struct Shape {
  unsigned length, burst;
};
constexpr Shape kShapes[] = {{31, 32},  {32, 32},   {63, 64},   {64, 32},   {32, 64},
                             {32, 512}, {127, 512}, {255, 512}, {1024, 32}, {256, 1}};

void offer(OfferPace& pace, SlowQueue& queue, const Shape& shape, std::uint64_t begin,
           std::uint64_t end) {
  for (std::uint64_t now = begin; now < end; now += kTurn)
    if (!pace.early(now))
      pace.offered(shape.burst, queue.take(shape.burst, now), shape.length, now);
}

TEST(OfferPace, TheQueueNeverRunsEmpty) {
  constexpr std::uint64_t kEnd = 1'000'000;
  for (const Shape& shape : kShapes)
    for (const std::uint64_t cycles : {3U, 20U, 60U, 1000U}) {
      OfferPace pace(kLongest);
      SlowQueue queue(shape.length, cycles);
      offer(pace, queue, shape, 1, kEnd);
      const std::uint64_t most = std::min(kEnd / cycles, kEnd / kTurn * shape.burst);
      EXPECT_GE(queue.taken, most * 99 / 100)
          << shape.length << " frames long, bursts of " << shape.burst << ", a frame each "
          << cycles << " cycles";
    }
}

TEST(OfferPace, DoorbellsAreFew) {
  for (const std::uint64_t cycles : {3U, 20U, 60U}) {
    OfferPace pace(kLongest);
    SlowQueue queue(256, cycles);
    offer(pace, queue, {256, 32}, 1, 1'000'000);
    EXPECT_GE(queue.taken, queue.offers * 8 * 9 / 10) << "a quarter of a burst, cycles " << cycles;
  }
}

TEST(OfferPace, AStallIsForgotten) {
  constexpr std::uint64_t kStall = 100'000, kEnd = 1'000'000;
  constexpr std::uint64_t kCycles = 20;
  for (const Shape& shape : kShapes) {
    OfferPace pace(kLongest);
    SlowQueue queue(shape.length, kCycles);
    offer(pace, queue, shape, 1, kStall);
    queue.stall(kStall, 2 * kStall);
    offer(pace, queue, shape, kStall, 2 * kStall);
    const std::uint64_t before = queue.taken;
    offer(pace, queue, shape, 2 * kStall, kEnd);
    EXPECT_GE(queue.taken - before, (kEnd - 2 * kStall) / kCycles * 99 / 100)
        << shape.length << " frames long, bursts of " << shape.burst;
  }
}

TEST(OfferPace, IsNeverSlowerThanItsBound) {
  OfferPace pace(kLongest);
  std::uint64_t now = 1;
  for (unsigned i = 0; i < 100; ++i) {
    pace.offered(32, 0, 256, now);
    std::uint64_t next = now;
    while (pace.early(next)) ++next;
    EXPECT_GE(next - now, kShortest);
    EXPECT_LE(next - now, kLongest);
    now = next;
  }
  EXPECT_FALSE(pace.early(now - 1'000'000)) << "a clock that begins anew";
}

TEST(OfferPace, IsForQueuesOfKnownLength) {
  OfferPace pace(kLongest);
  pace.offered(32, 1, 0, 1000);
  EXPECT_FALSE(pace.early(1000));
}

TEST(OfferPace, IsAtOnceWhereAllWasTakenOrTheTimeIsNotKnown) {
  OfferPace pace(kLongest);
  pace.offered(32, 1, 256, 1000);
  EXPECT_TRUE(pace.early(1000));
  EXPECT_FALSE(pace.early(0));
  pace.offered(31, 31, 256, 1000 + kLongest);
  EXPECT_FALSE(pace.early(1000 + kLongest));
  pace.offered(32, 1, 256, 5000);
  pace.offered(31, 1, 256, 0);
  EXPECT_FALSE(pace.early(5000));
}

TEST(OfferPace, HoldsAFlusherBack) {
  struct Queue : test::TestSink {
    static unsigned capacity() noexcept { return 256; }
  } sink;
  sink.room = 0;
  test::WriterBench bench{8, 64};
  WriteFlusher<Queue> flusher(sink, wire::FrameHeader{test::header_options()});
  flusher.add(bench.ring);
  for (int i = 0; i < 4; ++i) {
    test::put(*bench.writer, "message");
    bench.writer->flush();
  }
  const std::uint64_t now = rte_get_tsc_cycles();
  EXPECT_GT(flusher.poll(now), 0U);
  EXPECT_EQ(sink.calls, 1U);
  EXPECT_EQ(flusher.pending(), 4U);
  sink.room = ~0U;
  EXPECT_EQ(flusher.poll(now), 0U) << "too early";
  EXPECT_EQ(sink.calls, 1U);
  EXPECT_FALSE(flusher.idle());
  EXPECT_EQ(flusher.poll(now + rte_get_tsc_hz() / 1'000'000 * OfferPace::kLongestUs), 4U);
  EXPECT_EQ(sink.calls, 2U);
  EXPECT_TRUE(flusher.idle());
}

}  // namespace
}  // namespace bab
