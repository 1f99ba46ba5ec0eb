/// Objects that meet at a ring: flushers that take the ring, writers that come and go, and the
/// frame orders that stay.
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/message/flush_wait.hpp>
#include <bab/message/reserve_wait.hpp>

#include "shared_bench.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::KeepSink;
using test::put;
using test::small_frames;
using testing::ElementsAre;

wire::FrameHeader header() { return wire::FrameHeader({}); }
wire::FrameHeader tagged_header() {
  wire::FrameHeaderOptions o;
  o.vlan_id = 7;
  return wire::FrameHeader(o);
}

TEST(RingParties, AFlusherTakesARingWhoseWritersComeAndGo) {
  // If the order is freed too early, AddressSanitizer reports it.
  FullPool pool{16};
  FrameRing ring{16};
  KeepSink sink;
  std::atomic<bool> stop{false};
  std::thread writers([&] {
    while (!stop.load()) {
      // Many writers: one of them ends while the flusher is busy with the others.
      std::vector<std::unique_ptr<SharedWriter>> shared;
      for (int i = 0; i < 32; ++i) {
        shared.push_back(std::make_unique<SharedWriter>(pool, small_frames(64)));
        SharedWriter::Producer(*shared.back(), ring).flush();
      }
      while (!shared.empty()) {
        shared.pop_back();
        SharedWriter last(pool, small_frames(64));
        SharedWriter::Producer(last, ring).flush();  // the ring forgets the writers that have ended
      }
    }
  });
  for (int i = 0; i < 20'000; ++i) {
    WriteFlusher<KeepSink> flusher(sink, header());
    flusher.add(ring);
    flusher.poll();
  }
  stop.store(true);
  writers.join();
  EXPECT_TRUE(sink.all.empty());
}

/// A sink with an mtu(). bytes.reset() stands for the sink's end: after it, a call of mtu()
/// crashes.
struct MtuSink : KeepSink {
  std::unique_ptr<std::uint32_t> bytes = std::make_unique<std::uint32_t>(1500);
  [[nodiscard]] std::uint32_t mtu() const noexcept { return *bytes; }
};

TEST(RingParties, AWriterMayComeWhenTheSinkHasGone) {
  FullPool pool{4};
  FrameRing ring{4};
  MtuSink sink;
  WriteFlusher<MtuSink> flusher(sink, header());
  flusher.add(ring);
  sink.bytes.reset();
  EXPECT_NO_THROW(LocalWriter(pool, ring, small_frames(64)));
  EXPECT_THROW(LocalWriter(pool, ring, small_frames(1600)), Error);
}

TEST(RingParties, AFlusherIsNotIdleWhileFramesThatLostTheirRingWait) {
  FullPool pool{8};
  FrameRing ring{8};
  KeepSink sink;
  SharedWriter shared(pool, small_frames(64));
  SharedWriter::Producer producer(shared, ring);
  WriteFlusher<KeepSink> flusher(sink, header());
  flusher.add(ring);
  {
    FrameRing lost{8};
    SharedWriter::Producer other(shared, lost);
    put(other, "a");
    other.flush();
  }
  EXPECT_FALSE(flusher.idle());
  EXPECT_THROW(flusher.begin_session(header()), Error);
  flusher.poll();
  EXPECT_TRUE(flusher.idle());
  EXPECT_NO_THROW(flusher.begin_session(header()));
  EXPECT_THAT(sink.messages(), ElementsAre("a"));
}

TEST(RingParties, ANewFlushersHeadersFitTheFramesThatWaitInAnOrder) {
  FullPool pool{8};
  FrameRing first{8};
  FrameRing second{8};
  KeepSink sink;
  SharedWriter shared(pool, small_frames(10));
  std::optional<SharedWriter::Producer> a(std::in_place, shared, first);
  std::optional<SharedWriter::Producer> b(std::in_place, shared, second);
  {
    WriteFlusher<KeepSink> flusher(sink, header());
    flusher.add(second);
    put(*a, "aaaaaaaa");
    a->flush();  // no flusher has its ring yet
    put(*b, "bbbbbbbb");
    b->flush();
    flusher.poll();  // b's frame waits for a's frame, which comes first
  }
  b.reset();
  ASSERT_NE(tagged_header().size(), header().size());
  WriteFlusher<KeepSink> tagged(sink, tagged_header());
  EXPECT_THROW(tagged.add(second), Error);
  a.reset();
  WriteFlusher<KeepSink> same(sink, header());
  same.add(second);
  same.add(first);
  while (same.poll() > 0) {
  }
  EXPECT_THAT(sink.messages(), ElementsAre("aaaaaaaa", "bbbbbbbb"));
}

TEST(ReserveWaitAtAFullRing, StandsInNobodysWay) {
  FullPool pool{20};
  FullPool other_pool{20};
  FrameRing full{20};
  FrameRing ring{20};
  KeepSink sink;
  WriteFlusher<KeepSink> flusher(sink, header());
  flusher.add(ring);
  LocalWriter other(other_pool, full, small_frames(64));
  LocalWriter waits(pool, full, small_frames(64));
  LocalWriter goes_on(pool, ring, small_frames(64));
  for (std::uint32_t room = full.capacity(); full.size() < room;) {
    auto r = other.reserve(1);
    if (!r) break;
    r.commit();
    other.flush();
  }
  while (full.size() < full.capacity()) {
    put(waits, "w");
    waits.flush();
  }
  for (int i = 0; i < 16; ++i) {
    put(waits, "w");
    waits.flush();
  }
  ASSERT_EQ(waits.reserve(1).failure(), ReserveFailure::kTooManyFrames);
  EXPECT_EQ(waits.stats().capped, 1U);
  Lcore lcore;
  bool went = false;
  lcore.spawn([&]() -> Task<> {
    auto r = co_await reserve_wait(waits, 1);
    went = bool(r);
    r.commit();
  });
  for (std::uint64_t t = 1; t < 20; ++t) {
    lcore.turn(t);
    auto r = goes_on.reserve(1);
    EXPECT_TRUE(r) << "turn " << t;
    r.commit();
    goes_on.flush();
    flusher.poll();
  }
  EXPECT_FALSE(went);
  WriteFlusher<KeepSink> late(sink, header());
  late.add(full);
  for (std::uint64_t t = 20; t < 30; ++t) {
    late.poll();
    lcore.turn(t);
  }
  EXPECT_TRUE(went);
  waits.flush();
  while (late.poll() + flusher.poll() > 0) waits.flush();
}

}  // namespace
}  // namespace bab
