/// What the Rust crate this is a port of gets wrong, by the numbers of the list of its defects. Each test says
/// whether the design excludes the defect or code guards against it. D29 is tests/options.
#include <bab/message/shared_writer.hpp>

#include <array>
#include <atomic>
#include <cstring>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_pause.h>

#include <bab/base/error.hpp>
#include <bab/lcore/acquire.hpp>
#include <bab/lcore/any_of.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/registration.hpp>
#include <bab/memory/buffer_home.hpp>
#include <bab/message/flush.hpp>
#include <bab/message/reserve_wait.hpp>
#include <bab/message/write_flusher.hpp>

#include "lcores.hpp"
#include "packets.hpp"
#include "writer_bench.hpp"

namespace bab {
namespace {

using test::Frame;
using test::FullPool;
using test::messages_of;
using test::small_frames;
using testing::ElementsAre;

struct Keep {
  unsigned send(std::span<rte_mbuf*> frames) noexcept {
    for (rte_mbuf* m : frames) {
      for (std::string& text : messages_of(m)) messages.push_back(std::move(text));
      BufferPool::release(m);
    }
    return static_cast<unsigned>(frames.size());
  }
  std::vector<std::string> messages;
};

/// A shared writer with two producers on this lcore, and what came out of it.
struct Shared {
  explicit Shared(std::uint32_t buffers = 8, std::uint32_t capacity = 64)
      : pool(buffers),
        rings{FrameRing(buffers), FrameRing(buffers)},
        options(small_frames(capacity)) {
    const std::array<FrameRing*, 2> both{&rings[0], &rings[1]};
    flusher.add_shared(both);
  }
  std::vector<std::string>& came() {
    while (flusher.poll() > 0) {
    }
    return sink.messages;
  }
  std::vector<std::string>& flushed() {
    a.flush();
    b.flush();
    return came();
  }

  FullPool pool;
  std::array<FrameRing, 2> rings;
  WriterOptions options;
  Keep sink;
  WriteFlusher<Keep> flusher{sink, wire::FrameHeader({})};
  SharedWriter writer{pool, options};
  SharedWriter::Producer a{writer, rings[0]}, b{writer, rings[1]};
};

template <class Writer>
auto reserve(Writer& w, std::string_view text) {
  auto r = w.reserve(static_cast<std::uint32_t>(text.size()));
  if (r) std::memcpy(r.data(), text.data(), text.size());
  return r;
}
template <class Writer>
bool put(Writer& w, std::string_view text) {
  auto r = reserve(w, text);
  const bool good = bool(r);
  r.commit();
  return good;
}

#ifdef NDEBUG
constexpr bool kAsserts = false;
#else
constexpr bool kAsserts = true;
#endif

// Guarded: debug builds check the lcore of every handle that is used. Release builds pay nothing, and notice nothing.
TEST(CrateDefectsDeathTest, D01APacketUsedOnAForeignLcoreIsNoticedInADebugBuild) {
  if (!kAsserts) GTEST_SKIP() << "a release build has no asserts";
#ifdef BAB_TSAN
  GTEST_SKIP() << "a process that ThreadSanitizer watches doesn't fork well";
#endif
  FullPool pool(1);
  Packet packet = test::packet_with(pool, "lcore 0's");
  const auto on_another = [&](auto use) {
    RTE_PER_LCORE(_lcore_id) = 1;  // in a process of its own, which ends here
    use();
  };
  constexpr const char* kSays = "on an lcore that doesn't own it";
  EXPECT_DEATH(on_another([&] { (void)packet.clone(); }), kSays);
  EXPECT_DEATH(on_another([&] { (void)packet.send(); }), kSays);
  EXPECT_DEATH(on_another([&] { packet = Packet(); }), kSays);
  EXPECT_EQ(test::text_of(packet), "lcore 0's");
}

// Guarded: a reserve looks whether the frame is open before it adds, and 24 bits hold one add of each lcore.
TEST(CrateDefects, D02FiveHundredReservesAndAMillionFailedOnesOverflowNothing) {
  Shared s(2, 1800);
  std::list<SharedWriter::Producer::Reservation> pending;
  pending.push_back(reserve(s.a, std::string(1700, 'x')));
  for (int i = 0; i < 500; ++i) pending.push_back(s.b.reserve(1700));
  for (int i = 0; i < 1'000'000; ++i) ASSERT_FALSE(s.a.reserve(1700));
  pending.front().commit();
  pending.clear();
  EXPECT_EQ(s.flushed().size(), 1U);
  EXPECT_TRUE(put(s.a, "more"));
  EXPECT_EQ(s.flushed().back(), "more");
}

// Excluded: whoever reads holds a share, and no buffer goes back before the last; the sink's view of a frame ends
// with its call, unless it takes a Packet of it.
TEST(CrateDefects, D03WhatASinkKeepsOfAFlushIsNotRecycledUnderItsReader) {
  FullPool pool(3);
  FrameRing ring(3);
  LocalWriter writer(pool, ring, small_frames(64));
  std::vector<Packet> kept;
  auto sink = [&](std::span<const Flush> frames, std::uint32_t) noexcept {
    for (const Flush& frame : frames)
      if (kept.empty()) kept.push_back(frame.packet(*frame.begin()));
    return static_cast<unsigned>(frames.size());
  };
  WriteFlusher<decltype(sink)> flusher(sink, wire::FrameHeader({}));
  flusher.add(ring);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(put(writer, i == 0 ? "the first" : "another one"));
    writer.flush();
    while (flusher.poll() > 0) {
    }
  }
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(test::text_of(kept[0]), "the first");
}

// Guarded: lengths are checked; what doesn't fit changes nothing.
TEST(CrateDefects, D04CommitSplitAndAdvanceBeyondTheEndAreRefused) {
  Shared s;
  auto r = reserve(s.a, "four");
  EXPECT_FALSE(r.commit(5));
  EXPECT_TRUE(s.flushed().empty());
  FullPool pool(1);
  Packet packet = test::packet_with(pool, "four");
  EXPECT_FALSE(packet.advance(5));
  EXPECT_FALSE(packet.advance(UINT64_MAX));
  std::array<Packet, 2> parts;
  EXPECT_FALSE(packet.split(std::array<std::uint64_t, 1>{5}, parts));
  EXPECT_EQ(test::text_of(packet), "four");
}

// Guarded: what handles need of a pool stays until the last buffer is back (BufferHome).
TEST(CrateDefects, D05APoolThatGoesWhileASendPacketIsInFlightLeavesItsBufferWhereItIs) {
  SendPacket in_flight;
  {
    BufferPool pool(test::small_pool(2));
    in_flight = test::packet_with(pool, "in flight").send();
  }
  test::on_lcore(1, [&] { EXPECT_EQ(test::text_of(in_flight.receive()), "in flight"); });
  EXPECT_EQ(BufferHome::sweep(), 0U) << "the memory stays for ever";
}

// Guarded, as D05; every order of the two is run through in tests/model (HandlesOutliveTheirPool).
TEST(CrateDefects, D06APoolThatGoesWhileItsLastHandleDoesIsFreedOnce) {
  for (int i = 0; i < 20; ++i) {
    auto pool = std::make_unique<BufferPool>(test::small_pool(2));
    SendPacket last = test::packet_with(*pool, "last").send();
    std::atomic<bool> ready{false}, go{false};
    auto drop = [&] {
      ready = true;
      while (!go) rte_pause();
      last = SendPacket();
    };
    test::start_on(1, drop);
    while (!ready) rte_pause();
    go = true;
    pool.reset();
    test::wait_for(1, drop);
    ASSERT_EQ(BufferHome::sweep(), 0U) << "the memory stays for ever";
  }
}

// Excluded: the claim to bring a buffer in is held within one call, never across a wait.
TEST(CrateDefects, D07AReserveCancelledForWantOfTheFirstOrNextBufferLeavesTheWriterAlive) {
  for (const bool first : {true, false}) {
    Shared s(2, 10);
    Lcore lcore;
    rte_mbuf* taken = nullptr;
    if (first)
      taken = s.pool.try_acquire();
    else
      put(s.a, "12345678");
    ReserveFailure failure = ReserveFailure::kNone;
    lcore.spawn([&]() -> Task<> {
      auto wait = s.a.reserve_wait(8);
      Sleep timeout(10);
      co_await AnyOf(wait, timeout);
      failure = wait.take().failure();
    });
    lcore.turn(1);
    lcore.turn(10);
    EXPECT_EQ(failure, ReserveFailure::kNoBuffer);
    if (first) BufferPool::release(taken);
    (void)s.flushed();
    EXPECT_TRUE(put(s.b, "y"));
    EXPECT_TRUE(put(s.a, "x"));
    EXPECT_EQ(s.flushed().back(), "x");
  }
}

// Guarded: a frame that is full closes by itself, and a starved reserve hands over what is complete.
TEST(CrateDefects, D08ABatchLargerThanThePoolGoesOutWithoutAFlush) {
  Shared s(2, 10);
  Lcore lcore;
  unsigned sent = 0;
  lcore.spawn([&]() -> Task<> {
    for (; sent < 20; ++sent) {
      auto r = co_await s.a.reserve_wait(8);
      if (!r) co_return;
      std::memcpy(r.data(), "12345678", 8);
      r.commit();
    }
  });
  for (std::uint64_t t = 1; t < 100; ++t) {
    lcore.turn(t);
    s.a.poll(t);
    (void)s.came();
  }
  EXPECT_EQ(sent, 20U);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(s.flushed().size(), 20U);
}

// Excluded: waiters hold tickets and look for themselves; one that leaves, served or not, is passed over.
TEST(CrateDefects, D09AnOldestWaiterCancelledBeforeOrAfterItsTurnStrandsNobody) {
  for (const bool served : {false, true}) {
    FullPool pool(1);
    Lcore lcore;
    rte_mbuf* held = pool.try_acquire();
    bool cancelled = false, second = false;
    lcore.spawn([&]() -> Task<> {
      Acquire wait = pool.acquire();
      Sleep timeout(2);
      cancelled = (co_await AnyOf(wait, timeout)).index == 1;
      if (rte_mbuf* m = wait.await_resume()) BufferPool::release(m);
    });
    lcore.spawn([&]() -> Task<> {
      rte_mbuf* m = co_await pool.acquire();
      second = m != nullptr;
      BufferPool::release(m);
    });
    lcore.turn(1);
    if (served) BufferPool::release(held);
    lcore.turn(2);
    if (!served) BufferPool::release(held);
    for (std::uint64_t t = 3; t < 8; ++t) lcore.turn(t);
    EXPECT_EQ(cancelled, !served);
    EXPECT_TRUE(second);
    EXPECT_EQ(lcore.tasks(), 0U);
  }
}

// Excluded: commits add to a count; none waits for another, whatever its frame.
TEST(CrateDefects, D10CommitsOutOfOrderForgottenOrAcrossFramesWaitForNobody) {
  Shared s(8, 10);
  auto first = reserve(s.a, "aaaaaaaa");
  auto second = reserve(s.b, "bbbbbbbb");
  { auto forgotten = reserve(s.a, "forgotte"); }
  auto last = reserve(s.b, "cccccccc");
  last.commit();
  second.commit();
  first.commit();
  EXPECT_THAT(s.flushed(), ElementsAre("aaaaaaaa", "bbbbbbbb", "cccccccc"));
}

// Guarded: a thread's caches go back when its registration ends; lcores give theirs back while somebody waits.
TEST(CrateDefects, D11AnExitedThreadsCacheKeepsNoBuffer) {
  test::FullPool pool(test::small_pool(8, 4));
  std::thread([&] {
    const LcoreRegistration registration;
    std::array<rte_mbuf*, 4> some;
    ASSERT_TRUE(pool.try_acquire(some));
    BufferPool::release(some);
  }).join();
  EXPECT_TRUE(pool.stats().cached.empty());
  std::array<rte_mbuf*, 8> all;
  ASSERT_TRUE(pool.try_acquire(all));
  BufferPool::release(all);
  BufferPool::empty_caches();
}

// Guarded: either side closes a channel; the other one's wait then ends, and nothing is lost unseen.
TEST(CrateDefects, D12AReceiverThatWaitsAndASenderWithoutAReceiverAreTold) {
  FullPool pool(4);
  Lcore lcore;
  BufferChannel nothing_comes(2), nobody_receives(2);
  Outcome received = Outcome::kDone, sent = Outcome::kDone;
  std::array<rte_mbuf*, 4> out{}, items{};
  ASSERT_TRUE(pool.try_acquire(items));
  std::size_t went = 0;
  lcore.spawn([&]() -> Task<> { received = co_await nothing_comes.receive(out); });
  lcore.spawn([&]() -> Task<> {
    auto send = nobody_receives.send(items);
    sent = co_await send;
    went = send.sent();
  });
  for (std::uint64_t t = 1; t < 5; ++t) lcore.turn(t);
  EXPECT_EQ(lcore.tasks(), 2U) << "both wait";
  nothing_comes.close_sender();
  EXPECT_EQ(nobody_receives.close_receiver(), 2U) << "what was inside is released and counted";
  for (std::uint64_t t = 5; t < 9; ++t) lcore.turn(t);
  EXPECT_EQ(lcore.tasks(), 0U);
  EXPECT_EQ(received, Outcome::kClosed);
  EXPECT_EQ(sent, Outcome::kClosed);
  EXPECT_EQ(went, 2U);
  BufferPool::release(std::span<rte_mbuf* const>(items).subspan(went));
}

// Excluded: a message is a part of a frame of any fill; nothing rounds to halves.
TEST(CrateDefects, D13MessagesOverHalfABufferLeakNothing) {
  Shared s(4, 100);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(put(s.a, std::string(60, 'x')));
    if (i % 2 == 1) (void)s.flushed();
  }
  EXPECT_EQ(s.flushed().size(), 50U);
  EXPECT_EQ(s.pool.in_use(), 0U);
}

// Guarded: what is inside when a channel goes is released.
TEST(CrateDefects, D14WhatIsReceivedByNobodyLeaksNothing) {
  FullPool pool(4);
  {
    BufferChannel channel(4);
    Lcore lcore;
    std::array<rte_mbuf*, 4> items;
    ASSERT_TRUE(pool.try_acquire(items));
    lcore.spawn([&]() -> Task<> { co_await channel.send(items); });
    lcore.turn(1);
    lcore.request_stop();
    for (std::uint64_t t = 2; lcore.tasks() > 0 && t < 9; ++t) lcore.turn(t);
  }
  EXPECT_EQ(pool.in_use(), 0U);
}

// Guarded: a Producer flushes when it goes, and the flusher takes what is in its ring.
TEST(CrateDefects, D15AThreadThatEndsWithoutAFlushLosesNothing) {
  FullPool pool(4);
  FrameRing ring(4);
  SharedWriter writer(pool, small_frames(64));
  auto work = [&] {
    SharedWriter::Producer p(writer, ring);
    EXPECT_TRUE(put(p, "unflushed"));
  };
  test::on_lcore(1, work);
  Keep sink;
  WriteFlusher<Keep> flusher(sink, wire::FrameHeader({}));
  const std::array<FrameRing*, 1> rings{&ring};
  flusher.add_shared(rings);
  while (flusher.poll() > 0) {
  }
  EXPECT_THAT(sink.messages, ElementsAre("unflushed"));
}

// Excluded: a frame belongs to the writer, not to who opened or closed it.
TEST(CrateDefects, D16FlushPublishesTheCallersMessagesWhoeverClosedTheirFrame) {
  Shared s(8, 10);
  auto open = reserve(s.b, "b");
  put(s.a, "a");
  s.b.flush();  // closes the frame of both; it waits for b's commit
  s.a.flush();
  EXPECT_TRUE(s.came().empty());
  open.commit();
  s.b.poll(0);
  EXPECT_THAT(s.came(), ElementsAre("b", "a"));
}

// Excluded: frames have numbers and messages places, given at reserve; there is no way round for big ones.
TEST(CrateDefects, D17SmallMessagesDontOvertakeBigOnes) {
  Shared s(8, 40);
  std::vector<std::string> sent;
  for (const char* text :
       {"small", "a message that fills nearly all of it", "s", "another one of those", "t", "u"}) {
    sent.emplace_back(text);
    ASSERT_TRUE(put(s.a, text));
    if (sent.size() % 2 == 0) s.b.flush();
  }
  EXPECT_EQ(s.flushed(), sent);
}

// Excluded: what a sink doesn't take stays, in order; one that leaves off in the middle is offered the rest again.
TEST(CrateDefects, D18AnAbandonedFlushIteratorDiscardsNothing) {
  FullPool pool(8);
  FrameRing ring(8);
  LocalWriter writer(pool, ring, small_frames(16));
  std::vector<std::string> seen;
  unsigned takes = 0;
  auto sink = [&](std::span<const Flush> frames, std::uint32_t) noexcept {
    unsigned done = 0;
    for (const Flush& frame : frames) {
      if (done == takes) break;
      for (const auto message : frame)
        seen.emplace_back(reinterpret_cast<const char*>(message.data()), message.size());
      ++done;
    }
    return done;
  };
  WriteFlusher<decltype(sink)> flusher(sink, wire::FrameHeader({}));
  flusher.add(ring);
  for (const char* text : {"aaaaaa", "bbbbbb", "cccccc", "dddddd", "eeeeee"})
    ASSERT_TRUE(put(writer, text));
  writer.flush();
  (void)flusher.poll();
  EXPECT_TRUE(seen.empty());
  for (takes = 1; !flusher.idle(); takes = 2) (void)flusher.poll();
  EXPECT_THAT(seen, ElementsAre("aaaaaa", "bbbbbb", "cccccc", "dddddd", "eeeeee"));
}

// Guarded: a Reservation that goes without commit aborts.
TEST(CrateDefects, D19AReservationThatIsThrownThroughPublishesNothing) {
  Shared s;
  put(s.a, "before");
  try {
    auto r = reserve(s.a, "stale");
    throw Error("thrown through");
  } catch (const Error&) {
  }
  { auto unfilled = s.b.reserve(7); }
  put(s.a, "after");
  EXPECT_THAT(s.flushed(), ElementsAre("before", "after"));
}

// Excluded: one line for all who wait, in the order of their tickets.
TEST(CrateDefects, D20WaitersAreServedFirstInFirstOut) {
  FullPool pool(1);
  Lcore lcore;
  rte_mbuf* held = pool.try_acquire();
  std::string order;
  for (const char name : {'a', 'b', 'c', 'd'})
    lcore.spawn([&pool, &order, name]() -> Task<> {
      rte_mbuf* m = co_await pool.acquire();
      order += name;
      co_await Yield();
      BufferPool::release(m);
    });
  lcore.turn(1);
  BufferPool::release(held);
  for (std::uint64_t t = 2; t < 20; ++t) lcore.turn(t);
  EXPECT_EQ(order, "abcd");
}

// Excluded: an id is given back at its thread's end.
TEST(CrateDefects, D21ThreadsByTheHundredOneAfterTheOther) {
  FullPool pool(2);
  for (int i = 0; i < 300; ++i)
    std::thread([&] {
      const LcoreRegistration registration;
      EXPECT_TRUE(test::packet_with(pool, "x"));
    }).join();
}

// Guarded: an id is DPDK's, and a thread that has one is refused another; it keeps the one it has.
TEST(CrateDefects, D22AThreadsIdentityIsNotReset) {
  FullPool pool(2);
  std::thread([&] {
    const LcoreRegistration registration;
    const Packet packet = test::packet_with(pool, "mine");
    EXPECT_THROW(LcoreRegistration{}, Error);
    EXPECT_EQ(rte_lcore_id(), registration.lcore());
    EXPECT_EQ(test::text_of(packet.clone()), "mine");
  }).join();
  // The next thread of that id finds nothing of the one before.
  std::thread([&] {
    const LcoreRegistration registration;
    EXPECT_EQ(pool.account(registration.lcore(), 0).handles, 0U);
    EXPECT_EQ(pool.account(registration.lcore(), 0).shares, 0U);
    EXPECT_EQ(test::text_of(test::packet_with(pool, "next")), "next");
  }).join();
}

// Excluded: what belongs to an lcore is found by its id, not made at first use; a turn within a turn, of another Lcore
// on the same thread, gives back what it found.
TEST(CrateDefects, D23AThreadsIdentityCanBeReEntered) {
  FullPool pool(1);
  Lcore outer, inner;
  std::string order;
  inner.spawn([&]() -> Task<> {
    EXPECT_EQ(Lcore::current(), &inner);
    const Packet packet = test::packet_with(pool, "in");
    order += test::text_of(packet.clone());
    co_await Yield();
    order += 'n';
  });
  outer.spawn([&]() -> Task<> {
    inner.turn(1);
    EXPECT_EQ(Lcore::current(), &outer);
    inner.turn(2);
    EXPECT_EQ(Lcore::current(), &outer);
    co_await Yield();
    EXPECT_EQ(Lcore::current(), &outer);
    order += "er";
  });
  for (std::uint64_t t = 1; t < 4; ++t) outer.turn(t);
  EXPECT_EQ(Lcore::current(), nullptr);
  EXPECT_EQ(inner.tasks(), 0U);
  EXPECT_EQ(outer.tasks(), 0U);
  EXPECT_EQ(order, "inner");
}

// Guarded: any burst and any number of messages per frame from 1 on; 0 is refused or made 1.
TEST(CrateDefects, D24ABatchOfOne) {
  FullPool pool(4);
  FrameRing ring(4);
  LocalWriter writer(pool, ring, small_frames(64, {.max_messages = 1}));
  Keep sink;
  WriteFlusher<Keep> flusher(sink, wire::FrameHeader({}), 1);
  flusher.add(ring);
  for (const char* text : {"a", "b"}) {
    ASSERT_TRUE(put(writer, text));
    writer.poll(0);
    while (flusher.poll() > 0) {
    }
  }
  EXPECT_THAT(sink.messages, ElementsAre("a", "b"));
  EXPECT_THROW(SharedWriter(pool, small_frames(64, {.max_messages = 0})), Error);
}

// Excluded: a message of no bytes is one like others.
TEST(CrateDefects, D25AReservationOfNoneThenOfFive) {
  Shared s;
  EXPECT_TRUE(put(s.a, ""));
  EXPECT_TRUE(put(s.a, "12345"));
  EXPECT_THAT(s.flushed(), ElementsAre("", "12345"));
}

// Guarded: sizes that can't work are refused where they are given; a pool's data_room has 16 bits.
TEST(CrateDefects, D26FramesTooLargeAreRefusedWithTheNumbers) {
  FullPool pool(4);
  EXPECT_THROW(SharedWriter(pool, small_frames(1 << 20)), Error);
  EXPECT_THROW(SharedWriter(pool, small_frames(pool.data_room())), Error);
  static_assert(sizeof(BufferPoolOptions::data_room) == 2);
}

// Excluded: the room of a frame is counted in bytes, to the last.
TEST(CrateDefects, D27AFrameAndItsBufferCanBeFilledToTheLastByte) {
  const std::uint32_t capacity =
      RTE_MBUF_DEFAULT_BUF_SIZE - RTE_PKTMBUF_HEADROOM - test::kHeaderBytes;
  Shared s(2, capacity);
  const std::string longest(capacity - 2, 'x');
  EXPECT_EQ(s.a.max_message(), longest.size());
  EXPECT_TRUE(put(s.a, longest));
  EXPECT_THAT(s.flushed(), ElementsAre(longest));
}

// Guarded: no offsets give one part, the whole.
TEST(CrateDefects, D28ASplitAtNoOffsetsGivesTheWhole) {
  FullPool pool(1);
  const Packet packet = test::packet_with(pool, "whole");
  std::array<Packet, 1> part;
  EXPECT_TRUE(packet.split({}, part));
  EXPECT_EQ(test::text_of(part[0]), "whole");
}

}  // namespace
}  // namespace bab
