#include <bab/memory/lcore_caches.hpp>

#include <algorithm>

#include <rte_cycles.h>

#include <bab/detail/dpdk/mempool_cache.hpp>

namespace bab {
namespace {

/// Other lcores may read these figures (statistics), and the end of a pool reads the number of
/// buffers.
void set(std::uint32_t& field, std::uint32_t value) noexcept {
  __atomic_store_n(&field, value, __ATOMIC_RELAXED);
}

/// Gives all buffers in the cache back to the part that all lcores share.
void flush(rte_mempool& mempool, rte_mempool_cache& cache) noexcept {
  if (cache.len > 0) rte_mempool_cache_flush(&cache, &mempool);
}

}  // namespace

LcoreCaches::LcoreCaches(std::uint32_t asked, std::uint32_t buffers, unsigned lcores) noexcept
    // Up to DPDK 26.03 a cache may grow to 1.5 times what it is filled up to.
    : most_(std::min(asked * 3 / 2, buffers / 4 / std::max(lcores, 1U))),
      size_(std::min(asked, (most_ * 2 + 2) / 3)),
      places_(lcores) {}

void LcoreCaches::close_all(rte_mempool& mempool) noexcept {
  for (unsigned lcore = 0; lcore < RTE_MAX_LCORE; ++lcore)
    if (rte_mempool_cache* cache = rte_mempool_default_cache(&mempool, lcore)) {
      cache->size = 0;
      detail::cache_bound(*cache) = 0;
    }
}

bool LcoreCaches::turned(rte_mempool& mempool, unsigned lcore, bool awaited,
                         std::uint64_t now_tsc) noexcept {
  rte_mempool_cache* const cache = rte_mempool_default_cache(&mempool, lcore);
  if (cache == nullptr) return true;
  State& state = states_[lcore];
  const std::uint32_t needs = needs_.load(std::memory_order_relaxed);
  if (!state.open) {
    if (!take_place()) return true;
    state = {true, needs, 0, now_tsc};
    set(detail::cache_bound(*cache), most_);
    // If somebody found none, that may have been just now.
    const bool untroubled = needs == met_.load(std::memory_order_relaxed) && !awaited;
    set(cache->size, untroubled ? size_ : 0);
    return untroubled;
  }
  if (awaited || needs != state.seen) {
    state.seen = needs;
    state.quiet = 0;
    state.needed_tsc = now_tsc;
    set(cache->size, 0);
  } else if (cache->size == size_) {
    return true;
  } else if (++state.quiet >= kQuietTurns &&
             now_tsc - state.needed_tsc >= kQuietSeconds * rte_get_tsc_hz()) {
    met_.store(needs, std::memory_order_relaxed);
    set(cache->size, size_);
    return true;
  }
  flush(mempool, *cache);
  return false;
}

void LcoreCaches::close(rte_mempool& mempool, unsigned lcore) noexcept {
  State& state = states_[lcore];
  rte_mempool_cache* const cache = rte_mempool_default_cache(&mempool, lcore);
  if (cache == nullptr || !state.open) return;
  state.open = false;
  set(cache->size, 0);
  set(detail::cache_bound(*cache), 0);
  flush(mempool, *cache);
  open_.fetch_sub(1, std::memory_order_relaxed);
}

bool LcoreCaches::take_place() noexcept {
  std::uint32_t open = open_.load(std::memory_order_relaxed);
  while (open < places_)
    if (open_.compare_exchange_weak(open, open + 1, std::memory_order_relaxed)) return true;
  return false;
}

}  // namespace bab
