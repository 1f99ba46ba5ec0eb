#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/acquire.hpp>
#include <bab/lcore/lcore.hpp>

#include "full_pool.hpp"
#include "grant_line.hpp"
#include "proof.hpp"
#include "sim_machine.hpp"

namespace bab {
namespace {

using test::GrantLine;
using test::SimMachine;

/// A driver that is done with some buffers. It frees them on its lcore as PMDs do, into that
/// lcore's mempool cache.
struct FreeingDriver {
  unsigned poll(std::uint64_t) {
    const auto n = static_cast<unsigned>(sent.size());
    for (rte_mbuf* m : sent) rte_pktmbuf_free_seg(m);
    sent.clear();
    return n;
  }
  std::vector<rte_mbuf*> sent;
};

/// The common part of the scenarios: a line, drivers, ways to hold buffers and to give them back.
struct AcquireScenario {
  AcquireScenario(SimMachine& m, BufferPool& p) : machine(m), pool(p), line(m, p) {
    for (unsigned i = 0; i < machine.size(); ++i) {
      machine.lcore(i).add(drivers[i]);
      machine.at_end(i, [this, i] { drivers[i].poll(0); });
    }
  }

  Task<> hold() {
    if (machine.random(2) == 0) {
      Sleep sleep(Lcore::current()->now() + machine.random(300));
      (void)co_await machine.watch(sleep);
    } else {
      co_await Yield();
    }
  }

  void give_back(std::span<rte_mbuf* const> buffers) {
    const auto driver = static_cast<unsigned>(machine.random(2 * machine.size()));
    if (driver < machine.size() && machine.runs(driver))
      drivers[driver].sent.insert(drivers[driver].sent.end(), buffers.begin(), buffers.end());
    else
      BufferPool::release(buffers);
  }

  Task<> single(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      ++wanted;
      Acquire one = pool.acquire();
      rte_mbuf* m = co_await line.watch(one);
      if (m == nullptr) {
        EXPECT_EQ(one.outcome(), Outcome::kCancelled);
        continue;
      }
      ++granted;
      co_await hold();
      give_back({&m, 1});
    }
  }

  Task<> bulk(int rounds, std::uint32_t most) {
    for (int round = 0; round < rounds; ++round) {
      ++wanted;
      std::array<rte_mbuf*, 8> buffers{};
      const std::span out = std::span(buffers).first(1 + machine.random(most));
      AcquireBulk all = pool.acquire(out);
      const Outcome outcome = co_await line.watch(all);
      if (outcome != Outcome::kDone) {
        EXPECT_EQ(outcome, Outcome::kCancelled);
        continue;
      }
      ++granted;
      for (rte_mbuf* m : out) EXPECT_NE(m, nullptr);
      co_await hold();
      give_back(out);
    }
  }

  Task<> barger(int tries) {
    for (; tries > 0; --tries) {
      if (rte_mbuf* m = line.try_acquire()) give_back({&m, 1});
      co_await Yield();
    }
  }

  void check(bool undisturbed) const {
    if (undisturbed) {
      EXPECT_EQ(granted, wanted);
    }
    for (const FreeingDriver& driver : drivers) EXPECT_TRUE(driver.sent.empty());
  }

  SimMachine& machine;
  BufferPool& pool;
  GrantLine line;
  std::array<FreeingDriver, 3> drivers;
  int wanted = 0, granted = 0;
};

struct Singles : AcquireScenario {
  Singles(SimMachine& m, BufferPool& p) : AcquireScenario(m, p) {
    for (unsigned i = 0; i < m.size(); ++i) {
      for (int task = 0; task < 4; ++task) m.spawn(i, [this] { return single(3); });
      m.spawn(i, [this] { return barger(6); });
    }
  }
};

struct Mixed : AcquireScenario {
  Mixed(SimMachine& m, BufferPool& p) : AcquireScenario(m, p) {
    for (unsigned i = 0; i < m.size(); ++i) {
      m.spawn(i, [this] { return single(3); });
      m.spawn(i, [this] { return bulk(3, pool.size()); });
      m.spawn(i, [this] { return bulk(2, 1 + pool.size() / 2); });
      m.spawn(i, [this] { return barger(6); });
    }
  }
};

/// Each lcore wants all buffers of the pool. A buffer that is left in another lcore's cache is
/// missing.
struct Everything : AcquireScenario {
  Everything(SimMachine& m, BufferPool& p) : AcquireScenario(m, p) {
    for (unsigned i = 0; i < m.size(); ++i)
      for (int task = 0; task < 2; ++task) m.spawn(i, [this] { return all(); });
  }
  Task<> all() {
    for (int round = 0; round < 2; ++round) {
      ++wanted;
      std::array<rte_mbuf*, 8> buffers{};
      const std::span out = std::span(buffers).first(pool.size());
      AcquireBulk wait = pool.acquire(out);
      if (co_await line.watch(wait) != Outcome::kDone) continue;
      ++granted;
      co_await hold();
      give_back(out);
    }
  }
};

struct PoolShape {
  std::uint32_t buffers, cache;
};

struct AcquireSim : testing::TestWithParam<PoolShape> {
  test::FullPool pool{test::small_pool(GetParam().buffers, GetParam().cache)};
  test::Proof proof{pool};
};

TEST_P(AcquireSim, Singles) { proof.of<Singles>(); }
TEST_P(AcquireSim, SinglesAndBulks) { proof.of<Mixed>(); }
TEST_P(AcquireSim, Everything) { proof.of<Everything>(); }

INSTANTIATE_TEST_SUITE_P(Pools, AcquireSim,
                         testing::Values(PoolShape{2, 0}, PoolShape{2, 1}, PoolShape{3, 2},
                                         PoolShape{4, 0}, PoolShape{5, 3}, PoolShape{8, 5}),
                         [](const auto& each) {
                           return "of" + std::to_string(each.param.buffers) + "cache" +
                                  std::to_string(each.param.cache);
                         });

}  // namespace
}  // namespace bab
