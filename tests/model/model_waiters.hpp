#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "explorer.hpp"
#include "kept_if_failed.hpp"
#include "watched_pool.hpp"

namespace bab::test::model {

/// What threads want of a pool, a string for each.
/// a: waits for a buffer.
/// b: waits for two buffers.
/// c: begins to wait for a buffer, and cancels after a turn.
/// C: begins to wait for a buffer, and cancels after two turns.
/// B: begins to wait for two buffers, and cancels after a turn.
/// t: tries once.
/// i: turns until all a and b have been served.
/// A thread that got buffers uses them and gives them back.
struct WaitersPlan {
  std::vector<std::string_view> threads;
  std::uint32_t buffers;
  std::uint32_t cache;
  Bounds bounds;
  std::uint32_t aside = 0;  ///< buffers that no thread can get
};

inline std::string named(const WaitersPlan& plan) {
  std::string name = std::to_string(plan.buffers - plan.aside) + " of " +
                     std::to_string(plan.buffers) + " buffers, cache " +
                     std::to_string(plan.cache) + ":";
  for (std::string_view each : plan.threads) name += ' ' + std::string(each);
  return name;
}

/// Lcores that wait for buffers, and turn as their loops do. No lcore may wait for ever, overtake
/// another, or get a buffer while others stand in line. At the end the pool is full and its line is
/// empty.
template <class F>
class WaitersScenario {
  using Pool = typename F::BufferPool;

  /// Does with a wait what an Lcore does, step by step.
  struct Acquire : F::AcquireBulk {
    using F::AcquireBulk::AcquireBulk;
    using F::AcquireBulk::poll;
    using F::AcquireBulk::withdraw;
  };

 public:
  WaitersScenario(Pool& pool, const WaitersPlan& plan) : pool_(pool), plan_(plan) {
    for (std::string_view each : plan.threads)
      for (const char what : each) unserved_ += what == 'a' || what == 'b' ? 1 : 0;
  }

  void thread(unsigned i) {
    relieve();
    for (const char what : plan_.threads[i]) {
      if (what == 't')
        try_once();
      else if (what == 'i')
        turn_until_all_are_served();
      else
        wait(what == 'b' || what == 'B' ? 2 : 1, std::strchr("cB", what) ? 1U
                                                 : what == 'C'           ? 2U
                                                                         : ~0U);
    }
    const Memory::Quiet one_step;
    Pool::empty_caches();
    Machine::changed();
  }

  std::optional<std::string> check() {
    const auto stats = pool_.stats();
    if (stats.waiting != 0) return "somebody is in line who went";
    const std::uint32_t whole = stats.total - plan_.aside;
    if (stats.free != whole) return "buffers are missing: " + std::to_string(whole - stats.free);
    std::vector<rte_mbuf*> all(whole);
    if (!pool_.try_acquire(all)) return "the pool gives no buffers any more";
    Pool::release(all);
    return std::nullopt;
  }

 private:
  struct Place {
    std::uint64_t since;
    unsigned thread;
  };

  void wait(unsigned many, unsigned turns) {
    std::array<rte_mbuf*, 2> buffers{};
    const std::span<rte_mbuf*> out(buffers.data(), many);
    Acquire acquire(pool_, out);
    const std::uint64_t began = ++time_;
    bool in_line = false;
    for (unsigned turn = 0;; ++turn) {
      const std::uint64_t seen = Machine::version();
      busy_[Machine::self()] = true;
      const bool done = acquire.poll();
      busy_[Machine::self()] = false;
      if (done) break;
      if (!in_line) line_.push_back({++time_, Machine::self()});
      in_line = true;
      if (turn + 1 == turns) {
        leave();
        acquire.withdraw();
        relieve();
        return;
      }
      relieve();
      Machine::wait_for_change(seen);
    }
    leave();
    nobody_was_before(began, "overtaken");
    use(out);
    if (turns == ~0U) --unserved_;
    Machine::changed();
  }

  void turn_until_all_are_served() {
    while (unserved_ > 0) {
      const std::uint64_t seen = Machine::version();
      relieve();
      if (unserved_ > 0) Machine::wait_for_change(seen);
    }
  }

  void try_once() {
    const std::uint64_t began = ++time_;
    rte_mbuf* m = pool_.try_acquire();
    if (m == nullptr) return;
    nobody_was_before(began, "barged in");
    use({&m, 1});
  }

  void use(std::span<rte_mbuf*> buffers) {
    for (rte_mbuf* m : buffers) std::memset(rte_pktmbuf_mtod(m, void*), 'x', 8);
    Machine::point();
    for (rte_mbuf* m : buffers) {
      *rte_pktmbuf_mtod(m, std::uint8_t*) = 'y';
      Pool::release(m);
    }
    relieve();
  }

  /// Called at the end of each turn. Buffers may go from the cache back to the pool. Other threads
  /// wait for this change.
  void relieve() {
    const rte_mempool_cache* cache = rte_mempool_default_cache(pool_.mempool(), rte_lcore_id());
    const std::uint32_t before = cache != nullptr ? cache->len : 0;
    {
      const Memory::Quiet one_step;  // relieve() looks at a great many places
      Pool::relieve();
    }
    if (cache != nullptr && cache->len != before) Machine::changed();
  }

  void leave() {
    std::erase_if(line_, [](const Place& p) { return p.thread == Machine::self(); });
  }

  /// Fails if somebody stood in line before `began`. If loads may see older values, this isn't
  /// checked: the hint that somebody waits may be seen late. A waiter in the middle of a step
  /// doesn't count, because it may have been served just now.
  void nobody_was_before(std::uint64_t began, const char* what) {
    if (plan_.bounds.weak > 0) return;
    for (const Place& place : line_)
      if (place.since < began && !busy_[place.thread]) Machine::fail(what);
  }

  Pool& pool_;
  const WaitersPlan& plan_;
  std::vector<Place> line_;
  std::array<bool, 5> busy_{};
  unsigned unserved_ = 0;
  std::uint64_t time_ = 0;
};

template <class F>
Exploration explore_waiters(const WaitersPlan& plan) {
  auto options = pool_options<typename F::BufferPoolOptions>(plan.buffers, plan.cache);
  options.lcores = static_cast<unsigned>(plan.threads.size());
  typename F::BufferPool pool(options);
  const WatchedPool watched(pool);
  const SetAside<typename F::BufferPool> aside(pool, plan.aside);
  const LcorePerThread lcores;
  return explore(static_cast<unsigned>(plan.threads.size()),
                 kept_if_failed(scenario<WaitersScenario<F>>(pool, plan)), plan.bounds);
}

}  // namespace bab::test::model
