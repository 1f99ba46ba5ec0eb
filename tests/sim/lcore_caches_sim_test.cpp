#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <bab/lcore/acquire.hpp>
#include <bab/lcore/lcore.hpp>

#include "full_pool.hpp"
#include "proof.hpp"
#include "sim_machine.hpp"

/// An lcore that keeps asking while a buffer is free gets one when each of the other lcores has
/// turned twice. The tests have pools of many small sizes, and lcores that try, that wait and that
/// receive as drivers do. Each wait is cancelled in some runs.
namespace bab {
namespace {

using test::SimMachine;

/// How many turns each lcore has had since something began.
class TurnsSince {
 public:
  void begin(const SimMachine& machine) {
    if (!at_.empty()) return;
    for (unsigned i = 0; i < machine.size(); ++i) at_.push_back(machine.turns_of(i));
  }
  void reset() { at_.clear(); }
  /// True if all running lcores, except lcore `me`, have had `turns` turns.
  [[nodiscard]] bool all_had(const SimMachine& machine, std::uint64_t turns,
                             std::optional<unsigned> me = {}) const {
    if (at_.empty()) return false;
    for (unsigned i = 0; i < machine.size(); ++i)
      if (i != me && machine.runs(i) && machine.turns_of(i) < at_[i] + turns) return false;
    return true;
  }

 private:
  std::vector<std::uint64_t> at_;
};

/// Watches for lcores that ask in vain although enough buffers are free.
class Fairness {
 public:
  Fairness(SimMachine& machine, BufferPool& pool) : machine_(machine), pool_(pool) {
    machine.after_each_turn([this] { look(); });
  }

  /// Lcore `me` asks for one buffer, or for `at_once` together. `got`: whether it got them.
  void asked(TurnsSince& in_vain, unsigned me, bool got, std::uint32_t at_once = 1) {
    if (got || pool_.available() < at_once || pool_.awaited()) return in_vain.reset();
    EXPECT_FALSE(in_vain.all_had(machine_, 2, me))
        << "lcore " << me << " asks in vain, and " << pool_.available() << " are free";
    in_vain.begin(machine_);
  }
  void watch(TurnsSince& in_vain, std::uint32_t at_once = 1) {
    askers_.push_back({&in_vain, at_once});
  }

  /// Somebody's wait ended.
  void line_moved() {
    waiting_.reset();
    given_back_.reset();
  }
  /// Some lcore wants several buffers, or takes them past the line. Buffers may then be free many
  /// times before a wait ends. The tests still check that each wait ends.
  void expect_slow_waits() { slow_waits_ = true; }

 private:
  /// Called after each turn. If too few buffers are free now, somebody got them, and the turns are
  /// counted anew.
  void look() {
    const bool none = pool_.available() == 0, awaited = pool_.awaited();
    for (const auto& [each, at_once] : askers_)
      if (pool_.available() < at_once || awaited) each->reset();
    if (none || !awaited || slow_waits_) return line_moved();
    // When all lcores have turned twice, the free buffers are where the first lcore in line finds
    // them in its next turn.
    waiting_.begin(machine_);
    if (waiting_.all_had(machine_, 2)) given_back_.begin(machine_);
    EXPECT_FALSE(given_back_.all_had(machine_, 1)) << "somebody waits, and some are free";
  }

  SimMachine& machine_;
  BufferPool& pool_;
  std::vector<std::pair<TurnsSince*, std::uint32_t>> askers_;
  TurnsSince waiting_, given_back_;
  bool slow_waits_ = false;
};

/// A driver with descriptors. It takes buffers for them from the mempool, without bab's functions,
/// and tells `fairness` whether it got them. The buffers that it "receives" go back some turns
/// later, as an application's do.
struct ReceivingDriver {
  static constexpr std::size_t kDescriptors = 2;

  unsigned poll(std::uint64_t) {
    if (done) return 0;
    for (rte_mbuf* m : received) BufferPool::release(m);
    received.clear();
    if (!posted.empty() && machine->random(2) == 0) {
      received.push_back(posted.back());
      BufferPool::received(posted.back());
      posted.pop_back();
    }
    // Takes all or none, as drivers with vector instructions do, or one by one.
    const auto missing = static_cast<std::uint32_t>(kDescriptors - posted.size());
    const std::uint32_t at_once = at_a_time == 1 ? std::min(missing, 1U) : missing;
    bool refilled = true;
    while (posted.size() < kDescriptors && refilled) {
      std::array<rte_mbuf*, kDescriptors> some;
      refilled = rte_pktmbuf_alloc_bulk(pool->mempool(), some.data(), at_once) == 0;
      if (refilled) posted.insert(posted.end(), some.begin(), some.begin() + at_once);
    }
    fairness->asked(in_vain, me, refilled, at_once);
    pool->note_short_burst(kDescriptors);
    if (--turns == 0) stop();
    return 0;
  }
  void stop() {
    done = true;
    for (auto* list : {&posted, &received}) {
      for (rte_mbuf* m : *list) rte_pktmbuf_free_seg(m);
      list->clear();
    }
    in_vain.reset();
  }

  SimMachine* machine = nullptr;
  BufferPool* pool = nullptr;
  Fairness* fairness = nullptr;
  unsigned me = 0;
  std::uint64_t at_a_time = 1;
  int turns = 60;
  bool done = true;
  std::vector<rte_mbuf*> posted{}, received{};
  TurnsSince in_vain{};
};

/// Each lcore does one or two of these, chosen at random: try, wait for one, wait for several,
/// receive.
struct Askers {
  Askers(SimMachine& m, BufferPool& p) : machine(m), pool(p), fairness(m, p), tries(2 * m.size()) {
    for (TurnsSince& each : tries) fairness.watch(each);
    for (unsigned i = 0; i < machine.size(); ++i) {
      drivers.push_back(std::make_unique<ReceivingDriver>());
      ReceivingDriver& driver = *drivers.back();
      driver.machine = &machine;
      driver.pool = &pool;
      driver.fairness = &fairness;
      driver.me = i;
      driver.at_a_time = 1 + machine.random(2);
      fairness.watch(driver.in_vain, ReceivingDriver::kDescriptors);
      machine.lcore(i).add(driver);
      machine.at_end(i, [&driver] { driver.stop(); });
      for (unsigned k = 0; k < 2; ++k) switch (machine.random(5)) {
          case 0:
            driver.done = pool.available() <= ReceivingDriver::kDescriptors * machine.size();
            if (!driver.done) fairness.expect_slow_waits();
            break;
          case 1:
            machine.spawn(i, [this] { return wait(1); });
            break;
          case 2:
            machine.spawn(i, [this] { return wait(1 + pool.available() / 2); });
            fairness.expect_slow_waits();
            break;
          default:
            machine.spawn(i, [this, i, k] { return keep_trying(i, tries[2 * i + k]); });
        }
    }
  }

  void give_back(rte_mbuf* m) {
    if (machine.random(2) == 0)
      BufferPool::release(m);
    else
      rte_pktmbuf_free_seg(m);
  }

  Task<> keep_trying(unsigned me, TurnsSince& in_vain) {
    for (int got = 0; got < 4 && !Lcore::current()->stopping();) {
      rte_mbuf* m = pool.try_acquire();
      fairness.asked(in_vain, me, m != nullptr);
      if (m == nullptr) {
        co_await Yield();
        continue;
      }
      ++got;
      if (machine.random(3) != 0) co_await Yield();
      give_back(m);
    }
    in_vain.reset();
  }

  Task<> wait(std::uint32_t many) {
    for (int round = 0; round < 2; ++round) {
      std::array<rte_mbuf*, 64> buffers{};
      const std::span out = std::span(buffers).first(many);
      AcquireBulk all = pool.acquire(out);
      const Outcome outcome = co_await machine.watch(all);
      fairness.line_moved();
      if (outcome != Outcome::kDone) continue;
      co_await Yield();
      for (rte_mbuf* m : out) give_back(m);
    }
  }

  void check(bool /*undisturbed*/) const {
    for (const auto& driver : drivers) EXPECT_TRUE(driver->posted.empty());
  }

  SimMachine& machine;
  BufferPool& pool;
  Fairness fairness;
  std::vector<TurnsSince> tries;
  std::vector<std::unique_ptr<ReceivingDriver>> drivers;
};

struct LcoreCachesSim : testing::TestWithParam<unsigned> {};

TEST_P(LcoreCachesSim, WhoeverKeepsAskingGetsWhatIsFree) {
  const unsigned lcores = GetParam();
  for (const std::uint32_t buffers :
       {1U, 2U, 3U, 4U, 5U, 7U, 8U, 12U, 16U, 24U, 33U, 48U, 64U, 96U})
    // The lcores' caches together keep at most a quarter of the pool. A few buffers are free, or a
    // quarter, or all.
    for (const std::uint32_t free : {1U, 2U, 5U, buffers / 4, buffers}) {
      if (free == 0 || free > buffers) continue;
      const testing::ScopedTrace trace(__FILE__, __LINE__,
                                       fmt::format("{} of a pool of {}", free, buffers));
      // All lcores have a cache, or one of them has none.
      test::FullPool pool(test::small_pool(buffers, 250, buffers % 2 == 0 ? lcores : lcores - 1));
      std::vector<rte_mbuf*> aside(buffers - free);
      ASSERT_TRUE(pool.try_acquire(aside));
      test::Proof(pool, lcores).of<Askers>(1, 8);
      BufferPool::release(aside);
      if (HasFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(Lcores, LcoreCachesSim, testing::Range(1U, 9U),
                         [](const auto& each) { return "of" + std::to_string(each.param); });

}  // namespace
}  // namespace bab
