#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "explorer.hpp"
#include "kept_if_failed.hpp"
#include "watched_pool.hpp"

namespace bab::test::model {

/// What the lcores do, a string for each. They have caches.
/// g: takes a buffer and gives it back.
/// f: takes a buffer, and a driver frees it.
/// h: takes a buffer and holds it.
/// E: ends its loop, then gives back what it holds.
/// F: ends its loop, then a driver frees what it holds.
/// k: tries until it gets a buffer, and gives it back.
/// i: turns until all k have got one.
struct CachesPlan {
  std::vector<std::string_view> threads;
  std::uint32_t free;
  Bounds bounds;
};

inline std::string named(const CachesPlan& plan) {
  std::string name = std::to_string(plan.free) + " free:";
  for (std::string_view each : plan.threads) name += ' ' + std::string(each);
  return name;
}

/// Lcores that only try. An lcore that keeps trying gets a free buffer, wherever this buffer is
/// kept. If an lcore didn't get one, no thread could go on, and the Machine would say so.
template <class F>
class CachesScenario {
  using Pool = typename F::BufferPool;

 public:
  CachesScenario(Pool& pool, const CachesPlan& plan) : pool_(pool), plan_(plan) {
    // Each run begins like the first one: nobody has asked the pool in vain yet.
    auto& caches = pool.caches();
    const_cast<std::remove_cvref_t<decltype(caches)>&>(caches).forget_needs();
    for (std::string_view each : plan.threads)
      for (const char what : each) asking_ += what == 'k' ? 1 : 0;
  }

  void thread(unsigned i) {
    turn();
    // Each lcore waits until all lcores turn. After that it is enough to ask once, because an lcore
    // hears of every need that arises after it began to turn.
    ++turning_;
    Machine::wait_until([this] { return turning_ == plan_.threads.size(); });
    rte_mbuf* held = nullptr;
    for (const char what : plan_.threads[i]) switch (what) {
        case 'g':
        case 'f':
          if (rte_mbuf* m = pool_.try_acquire()) give_back(m, what == 'f');
          turn();
          break;
        case 'h':
          held = pool_.try_acquire();
          break;
        case 'E':
        case 'F':
          end();
          if (rte_mbuf* m = std::exchange(held, nullptr)) give_back(m, what == 'F');
          return;
        case 'k':
          keep_trying();
          break;
        case 'i':
          turn_until_all_are_served();
          break;
      }
    end();
  }

  std::optional<std::string> check() {
    const std::uint32_t free = pool_.stats().free;
    if (free != plan_.free) return std::to_string(free) + " buffers are free";
    return std::nullopt;
  }

 private:
  void keep_trying() {
    rte_mbuf* m;
    while ((m = pool_.try_acquire()) == nullptr) {
      turn();
      Machine::wait_until([this] { return shared() > 0; });
    }
    std::memset(rte_pktmbuf_mtod(m, void*), 'x', 8);
    Machine::point();
    Pool::release(m);
    --asking_;
    Machine::changed();
    turn();
  }

  void turn_until_all_are_served() {
    while (asking_ > 0) {
      const std::uint64_t seen = Machine::version();
      turn();
      if (asking_ > 0) Machine::wait_for_change(seen);
    }
  }

  void give_back(rte_mbuf* m, bool by_driver) {
    std::memset(rte_pktmbuf_mtod(m, void*), 'y', 8);
    if (!by_driver) return Pool::release(m);
    rte_mempool* const mempool = m->pool;
    detail::tsan_release(m);  // the mempool orders the two, but its library isn't instrumented
    rte_mempool_put(mempool, m);
  }

  /// Buffers may go from a cache back to the pool. Other threads wait for this change.
  void turn() {
    changes_if_the_cache_does([] { Pool::relieve(); });
  }
  void end() {
    changes_if_the_cache_does([] {
      const Memory::Quiet one_step;  // it has a lock, and the Machine's threads can't wait for one
      Pool::empty_caches();
    });
  }

  template <class Call>
  void changes_if_the_cache_does(Call call) {
    const rte_mempool_cache* cache = rte_mempool_default_cache(pool_.mempool(), rte_lcore_id());
    const std::uint32_t before = cache->len;
    call();
    if (cache->len != before) Machine::changed();
  }

  [[nodiscard]] std::uint32_t shared() const {
    const Memory::Quiet only_looked_at;
    return rte_ring_count(static_cast<const rte_ring*>(pool_.mempool()->pool_data));
  }

  Pool& pool_;
  const CachesPlan& plan_;
  unsigned asking_ = 0, turning_ = 0;
};

template <class F>
Exploration explore_caches(const CachesPlan& plan) {
  // So many buffers that each thread's cache keeps two.
  const auto threads = static_cast<unsigned>(plan.threads.size());
  auto options = pool_options<typename F::BufferPoolOptions>(8 * threads, 2);
  options.lcores = threads;
  typename F::BufferPool pool(options);
  const WatchedPool watched(pool);
  const SetAside<typename F::BufferPool> aside(pool, pool.size() - plan.free);
  const LcorePerThread lcores;
  return explore(threads, kept_if_failed(scenario<CachesScenario<F>>(pool, plan)), plan.bounds);
}

}  // namespace bab::test::model
