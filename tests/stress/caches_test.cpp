#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <bab/lcore/channel.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/registration.hpp>
#include <bab/memory/buffer_pool.hpp>

#include "full_pool.hpp"
#include "lcores.hpp"
#include "seed.hpp"

/// Lcores that only try, at full speed. No free buffer stays out of their reach.
namespace bab {
namespace {

using Clock = std::chrono::steady_clock;

std::chrono::milliseconds how_long(int every_day) {
  return std::chrono::milliseconds(std::getenv("BAB_LONG") != nullptr ? 120'000 : every_day);
}

/// Gives back the buffers that come: one as bab does, the next as a driver does.
struct Reader {
  void operator()() {
    lcore.spawn([this]() -> Task<> {
      std::array<rte_mbuf*, 8> came{};
      while (true) {
        auto receive = channel.receive(came);
        if (co_await receive != Outcome::kDone) co_return;
        for (rte_mbuf* m : std::span(came).first(receive.received())) {
          if (++given % 2 == 0) {
            BufferPool::release(m);
            continue;
          }
          rte_mempool* const mempool = m->pool;
          detail::tsan_release(m);
          rte_mempool_put(mempool, m);
        }
      }
    });
    lcore.run_tasks();
  }

  BufferChannel channel{64};
  Lcore lcore{{IdleStrategy::kBackOff, 50}};
  std::uint64_t given = 0;
};

/// One lcore asks, and the others only give back. The asking lcore can tell exactly: a free buffer
/// stays free until this lcore takes it. All buffers that it may ask for would fit into the
/// readers' caches.
void one_asks(std::uint32_t buffers, std::chrono::milliseconds until) {
  test::FullPool pool(test::small_pool(buffers, BufferPoolOptions::kFitting, 4));
  std::vector<rte_mbuf*> aside(buffers - 3 * pool.caches().most());
  ASSERT_TRUE(pool.try_acquire(aside));
  std::array<std::unique_ptr<Reader>, 3> readers;
  for (unsigned i = 0; i < 3; ++i) {
    readers[i] = std::make_unique<Reader>();
    test::start_on(i + 1, *readers[i]);
  }
  const auto turns = [&](unsigned i) { return readers[i]->lcore.counters().turns; };
  std::uint64_t got = 0, in_vain = 0, broken = 0;
  std::optional<std::array<std::uint64_t, 3>> since;
  const Clock::time_point end = Clock::now() + until;
  {
    Lcore me({IdleStrategy::kBackOff, 20});
    me.run_until([&] {
      rte_mbuf* m = pool.try_acquire();
      if (m == nullptr) {
        ++in_vain;
        if (!since && pool.available() > 0) since = {turns(0), turns(1), turns(2)};
        bool all_turned = since.has_value();
        // Two whole turns of each reader are promised to be enough. One more may have been under
        // way.
        for (unsigned i = 0; all_turned && i < 3; ++i) all_turned = turns(i) > (*since)[i] + 3;
        if (all_turned) {
          m = pool.try_acquire();
          if (m == nullptr) ++broken;
          since.reset();
        }
        if (m == nullptr) return broken > 0 || Clock::now() > end;
      }
      since.reset();
      while (readers[got % 3]->channel.try_send({&m, 1}) == 0) rte_pause();
      ++got;
      return Clock::now() > end;
    });
  }
  for (unsigned i = 0; i < 3; ++i) {
    readers[i]->channel.close_sender();
    test::wait_for(i + 1, *readers[i]);
  }
  EXPECT_EQ(broken, 0U) << pool.available() << " of " << buffers << " are free";
  EXPECT_GT(got, 100U);
  EXPECT_EQ(test::cached(pool), 0U);
  BufferPool::release(aside);
  std::printf("%u buffers, cache %u: %llu got, %llu in vain\n", buffers, pool.caches().size(),
              static_cast<unsigned long long>(got), static_cast<unsigned long long>(in_vain));
}

TEST(StressCaches, C11OneThatTriesFindsWhatThreeReadersKeep) {
  for (const std::uint32_t buffers : {16U, 48U, 200U, 1024U}) one_asks(buffers, how_long(1200) / 4);
}

/// Takes some buffers by try_acquire() only, holds them for a while, and gives them back.
struct Asker {
  void operator()() {
    std::mt19937_64 random(seed);
    std::vector<rte_mbuf*> held;
    const auto let_go = [&] {
      for (rte_mbuf* m : held) BufferPool::release(m);
      held.clear();
    };
    {
      Lcore lcore({IdleStrategy::kBackOff, 50});
      lcore.run_until([&] {
        const auto most = 1 + random() % pool.size();
        while (held.size() < most) {
          rte_mbuf* m = pool.try_acquire();
          if (m == nullptr) break;
          got.fetch_add(1, std::memory_order_relaxed);
          held.push_back(m);
        }
        if (random() % 2 == 0) let_go();
        return stop.load(std::memory_order_relaxed);
      });
    }
    let_go();  // after the lcore's last turn
  }

  BufferPool& pool;
  const std::atomic<bool>& stop;
  std::uint64_t seed;
  std::atomic<std::uint64_t> got{0};
};

void all_ask(std::uint32_t buffers, std::chrono::milliseconds until, std::uint64_t seed) {
  test::FullPool pool(test::small_pool(buffers, BufferPoolOptions::kFitting, 5));
  std::atomic<bool> stop{false};
  std::array<std::unique_ptr<Asker>, 4> askers;
  for (auto& asker : askers) asker.reset(new Asker{pool, stop, ++seed});
  for (unsigned i = 1; i < 4; ++i) test::start_on(i, *askers[i]);
  std::thread visitor([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      const LcoreRegistration registration;
      std::atomic<bool> at_once{true};
      Asker{pool, at_once, ++seed}();
    }
  });
  std::thread clock([&] {
    std::this_thread::sleep_for(until);
    // Each lcore gets some buffers. On a loaded machine this may take long.
    const Clock::time_point limit = Clock::now() + std::chrono::seconds(30);
    for (auto& asker : askers)
      while (asker->got.load(std::memory_order_relaxed) < 100 && Clock::now() < limit)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    stop = true;
  });
  (*askers[0])();
  clock.join();
  visitor.join();
  for (unsigned i = 1; i < 4; ++i) test::wait_for(i, *askers[i]);
  std::printf("%u buffers:", buffers);
  for (auto& asker : askers) {
    EXPECT_GE(asker->got.load(), 100U) << "starved";
    std::printf(" %llu", static_cast<unsigned long long>(asker->got.load()));
  }
  std::printf(" got\n");
  EXPECT_EQ(test::cached(pool), 0U) << "nobody turns any more";
}

TEST(StressCaches, LcoresThatOnlyTryAllGetSome) {
  const std::uint64_t seed = test::printed_seed();
  for (const std::uint32_t buffers : {3U, 24U, 160U}) all_ask(buffers, how_long(600) / 3, seed);
}

}  // namespace
}  // namespace bab
