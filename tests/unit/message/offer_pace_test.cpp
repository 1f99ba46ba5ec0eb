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

/// A queue that sends a frame each `cycles`, and is full at first.
struct SlowQueue {
  explicit SlowQueue(std::uint64_t cycles) : each(cycles) {}

  unsigned take(unsigned frames, std::uint64_t now) {
    const std::uint64_t room = std::min<std::uint64_t>(now / each - taken, frames);
    taken += room;
    ++offers;
    return static_cast<unsigned>(room);
  }
  /// Frames that it could have sent and didn't have.
  std::uint64_t ran_dry(std::uint64_t now, std::uint64_t length) const {
    const std::uint64_t sent = now / each;
    return sent > taken + length ? sent - taken - length : 0;
  }

  std::uint64_t each;
  std::uint64_t taken = 0;
  unsigned offers = 0;
};

TEST(OfferPace, WaitsForHalfOfAnOffer) {
  constexpr std::uint64_t kEnd = 1'000'000;
  constexpr unsigned kBurst = 32;
  constexpr std::uint64_t kLength = 64;  // the shortest queue of any driver
  for (const std::uint64_t each : {1U, 5U, 20U, 60U}) {
    OfferPace pace(kLongest);
    SlowQueue queue(each);
    for (std::uint64_t now = 1; now < kEnd; ++now) {
      if (pace.early(now)) continue;
      pace.offered(kBurst, queue.take(kBurst, now), now);
      ASSERT_EQ(queue.ran_dry(now, kLength), 0U) << each << " cycles a frame, at " << now;
    }
    const double a_doorbell = static_cast<double>(queue.taken) / queue.offers;
    EXPECT_GE(a_doorbell, kBurst / 2 * 0.9) << each << " cycles a frame";
  }
}

TEST(OfferPace, IsNeverSlowerThanItsBound) {
  OfferPace pace(kLongest);
  std::uint64_t now = 1;
  for (unsigned i = 0; i < 100; ++i) {
    pace.offered(32, 0, now);
    std::uint64_t next = now;
    while (pace.early(next)) ++next;
    EXPECT_GE(next - now, kShortest);
    EXPECT_LE(next - now, kLongest);
    now = next;
  }
}

TEST(OfferPace, IsAtOnceWhereAllWasTakenOrTheTimeIsNotKnown) {
  OfferPace pace(kLongest);
  pace.offered(32, 1, 1000);
  EXPECT_TRUE(pace.early(1000));
  EXPECT_FALSE(pace.early(0));
  pace.offered(31, 31, 1000 + kLongest);
  EXPECT_FALSE(pace.early(1000 + kLongest));
  pace.offered(32, 1, 5000);
  pace.offered(31, 1, 0);
  EXPECT_FALSE(pace.early(5000));
}

TEST(OfferPace, HoldsAFlusherBack) {
  test::TestSink sink;
  sink.room = 1;
  test::WriterBench bench{8, 64};
  WriteFlusher<test::TestSink> flusher(sink, wire::FrameHeader{test::header_options()});
  flusher.add(bench.ring);
  for (int i = 0; i < 4; ++i) {
    test::put(*bench.writer, "message");
    bench.writer->flush();
  }
  const std::uint64_t now = rte_get_tsc_cycles();
  EXPECT_GT(flusher.poll(now), 0U);
  EXPECT_EQ(sink.calls, 1U);
  EXPECT_EQ(flusher.pending(), 3U);
  sink.room = ~0U;
  EXPECT_EQ(flusher.poll(now), 0U) << "too early";
  EXPECT_EQ(sink.calls, 1U);
  EXPECT_FALSE(flusher.idle());
  EXPECT_EQ(flusher.poll(now + rte_get_tsc_hz() / 1'000'000 * OfferPace::kLongestUs), 3U);
  EXPECT_EQ(sink.calls, 2U);
  EXPECT_TRUE(flusher.idle());
}

}  // namespace
}  // namespace bab
