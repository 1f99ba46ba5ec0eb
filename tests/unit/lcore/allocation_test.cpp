#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include <gtest/gtest.h>

#include <bab/lcore/acquire.hpp>
#include <bab/lcore/any_of.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/signal.hpp>
#include <bab/memory/packet.hpp>

#include "full_pool.hpp"
#include "heap_counter.hpp"

namespace bab {
namespace {

using test::HeapCounter;

struct LcoreAllocationTest : testing::Test {
  void SetUp() override {
    if (!test::kCountsHeapCalls)
      GTEST_SKIP() << "a sanitizer's own malloc is in the place where calls are counted";
  }
};

/// Tasks that never end. They wait for everything that can be awaited, in Tasks of several depths,
/// and spawn other tasks.
struct Work {
  Work() {
    for (int i = 0; i < 4; ++i) lcore.spawn([this] { return produce(); });
    lcore.spawn([this] { return relay(); });
    lcore.spawn([this] { return consume(); });
    lcore.spawn([this] { return spawn_more(); });
    lcore.spawn([this] { return be_told(); });
  }
  ~Work() {
    lcore.request_stop();
    for (int i = 0; lcore.tasks() > 0 && i < 10; ++i) lcore.turn(++now);
    EXPECT_EQ(lcore.tasks(), 0U);
  }

  Task<rte_mbuf*> patiently() {
    Acquire acquire = pool.acquire();
    Sleep timeout(lcore.now() + 50);
    const auto first = co_await AnyOf(acquire, timeout);
    co_return first.index == 0 ? acquire.buffer() : nullptr;
  }

  Task<bool> produce_one() {
    rte_mbuf* m = co_await patiently();
    if (m == nullptr) co_return !lcore.stop_requested();
    auto send = buffers.send({&m, 1});
    if (co_await send == Outcome::kDone) co_return true;
    BufferPool::release(m);
    co_return false;
  }

  Task<> produce() {
    bool more = true;
    while (more) {
      more = co_await produce_one();
      co_await Yield();
    }
    buffers.close_sender();
  }

  Task<> relay() {
    std::array<rte_mbuf*, 2> in;
    while (true) {
      auto receive = buffers.receive(in);
      if (co_await receive != Outcome::kDone) break;
      std::array<SendPacket, 2> out;
      for (std::size_t i = 0; i < receive.received(); ++i)
        out[i] =
            PacketSource(in[i], 1).packet(rte_pktmbuf_mtod(in[i], const std::uint8_t*), 0).send();
      auto send = packets.send(std::span(out).first(receive.received()));
      if (co_await send != Outcome::kDone) break;
    }
    buffers.close_receiver();
    packets.close_sender();
  }

  Task<> consume() {
    std::array<SendPacket, 4> in;
    while (true) {
      auto receive = packets.receive(in);
      if (co_await receive != Outcome::kDone) break;
      for (SendPacket& item : std::span(in).first(receive.received())) {
        const Packet packet = item.receive();
        const Packet clone = packet.clone();
        ++consumed;
      }
      signal.notify();
      if (co_await Sleep(lcore.now() + 2) != Outcome::kDone) break;
    }
    packets.close_receiver();
  }

  Task<> spawn_more() {
    Outcome slept = Outcome::kDone;
    while (slept == Outcome::kDone) {
      lcore.spawn([this] { return bulk(); });
      slept = co_await Sleep(lcore.now() + 3);
    }
  }

  Task<> bulk() {
    std::array<rte_mbuf*, 3> some;
    if (co_await pool.acquire(some) == Outcome::kDone) {
      co_await Yield();
      BufferPool::release(some);
      ++bulks;
    }
  }

  Task<> be_told() {
    Outcome outcome = Outcome::kDone;
    while (outcome == Outcome::kDone) {
      outcome = co_await leaf.wait();
      ++told;
    }
  }

  test::FullPool pool{test::small_pool(32, 2)};
  BufferChannel buffers{2};
  PacketChannel packets{2};
  Signal signal;
  Signal leaf{&signal};
  std::uint64_t consumed = 0, bulks = 0, told = 0;
  Lcore lcore;
  std::uint64_t now = 0;
};

TEST_F(LcoreAllocationTest, NoneInAHundredThousandTurns) {
  Work work;
  for (int i = 0; i < 2000; ++i) work.lcore.turn(++work.now);
  const std::uint64_t frames = work.lcore.coroutines().grown();
  const std::uint64_t before = HeapCounter::all();
  for (int i = 0; i < 100'000; ++i) work.lcore.turn(++work.now);
  const std::uint64_t calls = HeapCounter::all() - before;
  EXPECT_EQ(calls, 0U);
  EXPECT_EQ(work.lcore.coroutines().grown(), frames);
  EXPECT_GT(work.consumed, 10'000U);
  EXPECT_GT(work.bulks, 1000U);
  EXPECT_GT(work.told, 1000U);
}

TEST_F(LcoreAllocationTest, AFrameFromTheHeapAmongThemIsSeen) {
  Work work;
  for (int i = 0; i < 2000; ++i) work.lcore.turn(++work.now);
  const std::uint64_t before = HeapCounter::all();
  // Outside of a turn there is no pool for the coroutine's memory.
  work.lcore.spawn([]() -> Task<> { co_return; });
  for (int i = 0; i < 10; ++i) work.lcore.turn(++work.now);
  EXPECT_GT(HeapCounter::all(), before);
}

}  // namespace
}  // namespace bab
