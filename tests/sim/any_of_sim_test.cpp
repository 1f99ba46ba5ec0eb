#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <bab/lcore/acquire.hpp>
#include <bab/lcore/any_of.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/signal.hpp>
#include <bab/message/staging_framer.hpp>

#include "full_pool.hpp"
#include "proof.hpp"
#include "sim_machine.hpp"

namespace bab {
namespace {

using test::SimMachine;

constexpr std::array<const char*, 7> kKinds{"Sleep", "Signal",  "Acquire", "Bulk",
                                            "Send",  "Receive", "Write"};
constexpr std::size_t kAcquire = 2, kBulk = 3, kSend = 4, kReceive = 5, kWrite = 6;

/// One wait of each kind. All results are accounted for, whichever wait was begun and however it
/// ended.
struct OneOfEach {
  OneOfEach(std::size_t kind, BufferPool& pool, Signal& signal, std::uint64_t seen,
            BufferChannel& out, std::uint64_t& sent, BufferChannel& in, std::uint64_t& received)
      : sleep(Lcore::current()->now() + 150),
        told(signal.wait(seen)),
        acquire(pool.acquire()),
        bulk(pool.acquire(three)),
        item(kind == kSend ? pool.try_acquire() : nullptr),
        send(out.send(std::span(&item, item != nullptr ? 1 : 0))),
        receive(in.receive(got)),
        framer(pool),
        write(framer.write()),
        sent_(sent),
        received_(received) {
    begun[kind] = true;
  }

  Wait& wait(std::size_t kind) {
    return *std::array<Wait*, kKinds.size()>{&sleep, &told,    &acquire, &bulk,
                                             &send,  &receive, &write}[kind];
  }

  /// Called after the await. Gives back what the waits gave. `first` is the wait that ended first.
  /// If `forgets`, the Acquire isn't asked for its buffer.
  void settle(const Wait& first, bool forgets) {
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
      EXPECT_FALSE(wait(i).waiting());
      if (&wait(i) != &first && begun[i]) {
        EXPECT_EQ(wait(i).outcome(), Outcome::kCancelled);
      }
    }
    if (begun[kAcquire] && !forgets && acquire.buffer() != nullptr)
      BufferPool::release(acquire.buffer());
    EXPECT_EQ(write.room().empty(), !begun[kWrite] || write.outcome() != Outcome::kDone);
    if (begun[kBulk] && bulk.outcome() == Outcome::kDone) BufferPool::release(three);
    sent_ += send.sent();
    if (send.sent() == 0 && item != nullptr) BufferPool::release(item);
    received_ += receive.received();
    BufferPool::release(std::span(got).first(receive.received()));
  }

  std::array<rte_mbuf*, 3> three{};
  std::array<rte_mbuf*, 2> got{};
  Sleep sleep;
  SignalWait told;
  Acquire acquire;
  AcquireBulk bulk;
  rte_mbuf* item;
  BufferChannel::Send send;
  BufferChannel::Receive receive;
  StagingFramer framer;
  StagingFramer::Write write;
  std::array<bool, kKinds.size()> begun{};
  std::uint64_t& sent_;
  std::uint64_t& received_;
};

/// Two tasks on two lcores wait for a pair of things, over and over. Now and then a third lcore
/// lets each of them happen.
template <std::size_t A, std::size_t B>
struct Pair {
  struct Side {
    BufferChannel to{1}, from{2};
    std::uint64_t sent = 0, received = 0, fed = 0, eaten = 0;
  };

  Pair(SimMachine& m, BufferPool& p) : machine(m), pool(p) {
    m.spawn(0, [this] { return feed(); });
    for (unsigned i = 0; i < 2; ++i) m.spawn(i + 1, [this, i] { return work(sides[i]); });
  }

  Task<> work(Side& side) {
    while (!done && !Lcore::current()->stop_requested()) {
      const std::uint64_t seen = signal.seen();
      OneOfEach left(A, pool, signal, seen, side.to, side.sent, side.from, side.received);
      OneOfEach right(B, pool, signal, seen, side.to, side.sent, side.from, side.received);
      const auto [index, outcome] = co_await machine.watch_first(left.wait(A), right.wait(B));
      const Wait& first = index == 0 ? left.wait(A) : right.wait(B);
      EXPECT_LT(index, 2U);
      EXPECT_EQ(outcome, first.outcome());
      left.settle(first, machine.random(3) == 0);
      right.settle(first, machine.random(3) == 0);
      ++ended;
      co_await Yield();
    }
    side.to.close_sender();
    side.from.close_receiver();
  }

  Task<> feed() {
    for (int round = 0; round < 8; ++round) {
      std::array<rte_mbuf*, 4> held{};
      for (rte_mbuf*& m : held) m = pool.try_acquire();
      Sleep sleep(Lcore::current()->now() + machine.random(120));
      (void)co_await machine.watch(sleep);
      BufferPool::release(held);
      if (round % 3 == 0) signal.notify();
      for (Side& side : sides) {
        rte_mbuf* m = kReceives ? pool.try_acquire() : nullptr;
        if (m != nullptr && side.from.try_send({&m, 1}) == 1)
          ++side.fed;
        else if (m != nullptr)
          BufferPool::release(m);
        if (side.to.try_receive({&m, 1}) == 1) {
          ++side.eaten;
          BufferPool::release(m);
        }
      }
    }
    done = true;
    signal.notify();
    for (Side& side : sides) {
      side.to.close_receiver();
      side.from.close_sender();
    }
  }

  void check(bool) const {
    EXPECT_TRUE(machine.disturbed() || ended > 0);
    for (const Side& side : sides) {
      EXPECT_EQ(side.sent, side.eaten + side.to.discarded() + side.to.size());
      EXPECT_EQ(side.fed, side.received + side.from.discarded() + side.from.size());
    }
  }

  static constexpr bool kReceives = A == kReceive || B == kReceive;
  SimMachine& machine;
  BufferPool& pool;
  Signal signal;
  std::array<Side, 2> sides;
  bool done = false;
  int ended = 0;
};

template <std::size_t A, std::size_t B>
void prove_pair() {
  const testing::ScopedTrace trace(__FILE__, __LINE__, std::string(kKinds[A]) + " or " + kKinds[B]);
  test::FullPool pool(test::small_pool(8, 2));
  test::Proof(pool).of<Pair<A, B>>(4);
}

template <std::size_t A>
void prove_with_each() {
  [&]<std::size_t... B>(std::index_sequence<B...>) { (prove_pair<A, B>(), ...); }
  (std::make_index_sequence<kKinds.size()>());
}

TEST(AnyOfSim, SleepOrAny) { prove_with_each<0>(); }
TEST(AnyOfSim, SignalOrAny) { prove_with_each<1>(); }
TEST(AnyOfSim, AcquireOrAny) { prove_with_each<2>(); }
TEST(AnyOfSim, BulkOrAny) { prove_with_each<3>(); }
TEST(AnyOfSim, SendOrAny) { prove_with_each<4>(); }
TEST(AnyOfSim, ReceiveOrAny) { prove_with_each<5>(); }
TEST(AnyOfSim, WriteOrAny) { prove_with_each<6>(); }

}  // namespace
}  // namespace bab
