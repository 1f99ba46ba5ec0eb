#pragma once

#include <list>
#include <vector>

#include <rte_mempool.h>

#include <bab/memory/buffer_pool.hpp>

#include "memory.hpp"

namespace bab::test::model {

/// All of a pool's buffers, and the accounts of the lcores that are a scenario's threads. The pool has been
/// empty once: its high-water mark isn't what makes one run differ from the next.
class WatchedPool {
 public:
  explicit WatchedPool(BufferPool& pool) {
    std::vector<rte_mbuf*> all(pool.size());
    if (pool.try_acquire(all)) BufferPool::release(all);
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

}  // namespace bab::test::model
