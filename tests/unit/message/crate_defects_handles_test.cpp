/// Defects of the Rust crate that bab was ported from, by their numbers in the list of defects.
/// "Excluded": bab's design rules the defect out. "Guarded": code of bab's prevents the defect.
/// This file has pools, handles to their buffers, lcores and waits. crate_defects_writers_test.cpp
/// has the other defects, except D29, which is in tests/options.
#include <bab/memory/packet.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <rte_pause.h>

#include <bab/base/error.hpp>
#include <bab/detail/check.hpp>
#include <bab/lcore/acquire.hpp>
#include <bab/lcore/any_of.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/registration.hpp>
#include <bab/memory/buffer_home.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/send_packet.hpp>

#include "full_pool.hpp"
#include "lcores.hpp"
#include "packets.hpp"

namespace bab {
namespace {

using test::FullPool;

constexpr bool kAsserts = detail::kChecks;

// Guarded: debug builds check the lcore of every handle that is used. Release builds don't check,
// and pay nothing.
TEST(CrateDefectsDeathTest, D01APacketUsedOnAForeignLcoreIsNoticedInADebugBuild) {
  if (!kAsserts) GTEST_SKIP() << "a release build has no asserts";
#ifdef BAB_TSAN
  GTEST_SKIP() << "a process that ThreadSanitizer watches doesn't fork well";
#endif
  FullPool pool(1);
  Packet packet = test::packet_with(pool, "lcore 0's");
  const auto on_another = [&](auto use) {
    RTE_PER_LCORE(_lcore_id) = 1;  // only in the child process of the death test
    use();
  };
  constexpr const char* kSays = "on an lcore that doesn't own it";
  EXPECT_DEATH(on_another([&] { (void)packet.clone(); }), kSays);
  EXPECT_DEATH(on_another([&] { (void)packet.send(); }), kSays);
  EXPECT_DEATH(on_another([&] { packet = Packet(); }), kSays);
  EXPECT_EQ(test::text_of(packet), "lcore 0's");
}

// Guarded: handles need some parts of a pool. These stay until the last buffer is back
// (BufferHome).
TEST(CrateDefects, D05APoolThatGoesWhileASendPacketIsInFlightLeavesItsBufferWhereItIs) {
  SendPacket in_flight;
  {
    BufferPool pool(test::small_pool(2));
    in_flight = test::packet_with(pool, "in flight").send();
  }
  test::on_lcore(1, [&] { EXPECT_EQ(test::text_of(in_flight.receive()), "in flight"); });
  EXPECT_EQ(BufferHome::sweep(), 0U) << "the memory stays for ever";
}

// Guarded, as D05. tests/model runs through every order of the two events
// (HandlesOutliveTheirPool).
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

// Excluded: waiters hold tickets and look for themselves. A waiter that leaves is passed over,
// whether it was served or not.
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

// Guarded: a thread's caches go back when its registration ends. Lcores give their caches back
// while somebody needs a buffer.
TEST(CrateDefects, D11AnExitedThreadsCacheKeepsNoBuffer) {
  test::FullPool pool(test::small_pool(64, 4));
  std::thread([&] {
    const LcoreRegistration registration;
    BufferPool::relieve();
    std::array<rte_mbuf*, 4> some;
    ASSERT_TRUE(pool.try_acquire(some));
    BufferPool::release(some);
  }).join();
  EXPECT_TRUE(pool.stats().cached.empty());
  std::array<rte_mbuf*, 64> all;
  ASSERT_TRUE(pool.try_acquire(all));
  BufferPool::release(all);
}

// Guarded: either side may close a channel. The other side's wait then ends, and nothing is lost
// without notice.
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

// Guarded: a channel releases everything inside when it is destroyed.
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

// Excluded: all waiters stand in one line, in the order of their tickets.
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

// Excluded: a thread gives its id back when it ends.
TEST(CrateDefects, D21ThreadsByTheHundredOneAfterTheOther) {
  FullPool pool(2);
  for (int i = 0; i < 300; ++i)
    std::thread([&] {
      const LcoreRegistration registration;
      EXPECT_TRUE(test::packet_with(pool, "x"));
    }).join();
}

// Guarded: DPDK gives out the ids. A thread that has an id is refused another one, and keeps its
// id.
TEST(CrateDefects, D22AThreadsIdentityIsNotReset) {
  FullPool pool(2);
  std::thread([&] {
    const LcoreRegistration registration;
    const Packet packet = test::packet_with(pool, "mine");
    EXPECT_THROW(LcoreRegistration{}, Error);
    EXPECT_EQ(rte_lcore_id(), registration.lcore());
    EXPECT_EQ(test::text_of(packet.clone()), "mine");
  }).join();
  // The next thread with the same id finds nothing of the previous thread.
  std::thread([&] {
    const LcoreRegistration registration;
    EXPECT_EQ(pool.account(registration.lcore(), 0).handles, 0U);
    EXPECT_EQ(pool.account(registration.lcore(), 0).shares, 0U);
    EXPECT_EQ(test::text_of(test::packet_with(pool, "next")), "next");
  }).join();
}

// Excluded: what belongs to an lcore is found by the lcore's id, and isn't made at first use. A
// turn may run inside a turn of another Lcore on the same thread. The inner turn restores what it
// found.
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

// Guarded: a split at no offsets gives one part, which is the whole.
TEST(CrateDefects, D28ASplitAtNoOffsetsGivesTheWhole) {
  FullPool pool(1);
  const Packet packet = test::packet_with(pool, "whole");
  std::array<Packet, 1> part;
  EXPECT_TRUE(packet.split({}, part));
  EXPECT_EQ(test::text_of(part[0]), "whole");
}

}  // namespace
}  // namespace bab
