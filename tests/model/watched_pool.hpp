#pragma once

#include <cstdint>
#include <cstdlib>
#include <list>
#include <string>
#include <vector>

#include <rte_lcore.h>
#include <rte_mempool.h>

#include <bab/memory/buffer_pool.hpp>

#include "machine.hpp"
#include "memory.hpp"

namespace bab::test::model {

inline unsigned next_pool = 0;

/// A pool for scenarios. Its free buffers stay readable under AddressSanitizer: the model has its
/// own checks.
template <class Options = BufferPoolOptions>
Options pool_options(std::uint32_t buffers, std::uint32_t cache) {
  Options options;
  options.name = "model_" + std::to_string(next_pool++);
  options.buffers = buffers;
  options.data_room = 512;
  options.cache = cache;
  options.receives = true;
  return options;
}

/// Watches all buffers of a pool, and the accounts of the scenario's threads. All buffers are taken
/// once at the start. This makes the high-water mark the same in all runs.
class WatchedPool {
 public:
  template <class Pool>
  explicit WatchedPool(Pool& pool) {
    std::vector<rte_mbuf*> all(pool.size());
    if (pool.try_acquire(all)) Pool::release(all);
    rte_mempool_mem_iter(
        pool.mempool(),
        [](rte_mempool*, void* self, rte_mempool_memhdr* part, unsigned) {
          static_cast<WatchedPool*>(self)->watched_.emplace_back(part->addr, part->len);
        },
        this);
    constexpr unsigned kThreads = 5;
    for (unsigned lcore = 0; lcore < kThreads; ++lcore)
      watched_.emplace_back(&pool.account(lcore, 0), sizeof(Account) * pool.size());
  }

 private:
  std::list<Memory::Watched> watched_;
};

/// Takes some buffers of a pool, and gives them back in its destructor. Few buffers are left, but
/// the pool is large enough to have caches.
template <class Pool>
class SetAside {
 public:
  SetAside(Pool& pool, std::uint32_t buffers) : buffers_(buffers) {
    if (!pool.try_acquire(buffers_)) std::abort();
  }
  SetAside(const SetAside&) = delete;
  SetAside& operator=(const SetAside&) = delete;
  ~SetAside() { Pool::release(buffers_); }

 private:
  std::vector<rte_mbuf*> buffers_;
};

/// Thread i of the Machine runs as lcore i.
class LcorePerThread {
 public:
  LcorePerThread() {
    Machine::on_change_of_thread([](unsigned thread) { RTE_PER_LCORE(_lcore_id) = thread; });
  }
  LcorePerThread(const LcorePerThread&) = delete;
  LcorePerThread& operator=(const LcorePerThread&) = delete;
  ~LcorePerThread() {
    Machine::on_change_of_thread(nullptr);
    RTE_PER_LCORE(_lcore_id) = self_;
  }

 private:
  unsigned self_ = rte_lcore_id();
};

}  // namespace bab::test::model
