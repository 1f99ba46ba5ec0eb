#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <bab/detail/sanitizers.hpp>
#include <bab/memory/account.hpp>
#include <bab/memory/buffer_meta.hpp>

namespace bab {

/// What the handles to a pool's buffers need of it: the memory itself and the table of handle counts. It
/// outlives its BufferPool for as long as some of its buffers are out, so that a Packet or a SendPacket
/// that comes late finds all in place.
class BufferHome {
 public:
  /// `mempool` becomes this one's. `receives`: free buffers stay readable (see BufferPoolOptions). Throws
  /// Error when there is no memory for the table.
  BufferHome(rte_mempool* mempool, bool receives);
  BufferHome(const BufferHome&) = delete;
  BufferHome& operator=(const BufferHome&) = delete;
  /// When all its buffers are back.
  ~BufferHome();

  /// What `lcore` holds of buffer `id`. Only that lcore may read or write it.
  [[nodiscard]] Account& account(unsigned lcore, std::uint32_t id) noexcept {
    assert(lcore < RTE_MAX_LCORE && id < mempool_->size);
    return accounts_[static_cast<std::size_t>(lcore) * account_stride_ + id];
  }

  [[nodiscard]] rte_mempool* mempool() const noexcept { return mempool_.get(); }

  /// Whether all buffers are back. What those who gave them back did before, happened before.
  [[nodiscard]] bool full() const noexcept;

  /// Takes a buffer back that nobody holds a share of. Any thread.
  void take_back(rte_mbuf* m, BufferMeta& meta) noexcept {
    // mempool_, but in the line of the mbuf that is at hand: the way by BufferMeta and here costs two loads,
    // each waiting for the one before (pool_acquire_release: 8.1 ns, so 7.1).
    rte_mempool* mp = m->pool;  // read while the buffer is still ours
    rte_mempool_cache* cache = cache_of(mp);
    retire(m, meta);
    if (cache != nullptr && cache->len < cache->flushthresh) [[likely]] {
      cache->objs[cache->len] = m;
      count(*cache, cache->len + 1);
    } else {
      void* object = m;
      put(mp, cache, {&object, 1});
    }
  }

  /// rte_mempool_generic_put() but for one thing: what counts as back is in its place by then, as full() needs it.
  /// `cache`: what cache_of() said. Any thread.
  static void put(rte_mempool* mp, rte_mempool_cache* cache,
                  std::span<void* const> objects) noexcept;

  /// rte_mempool_default_cache() of this lcore, or null, for where buffers are given back: their pool's end may close the
  /// caches meanwhile. Any thread.
  [[nodiscard]] static rte_mempool_cache* cache_of(rte_mempool* mp) noexcept {
    const unsigned lcore = rte_lcore_id();
    if (lcore >= RTE_MAX_LCORE || __atomic_load_n(&mp->cache_size, __ATOMIC_RELAXED) == 0)
      return nullptr;
    // Where rte_mempool_create_empty() puts them: local_cache says the same, but giving back waits for each load.
    return reinterpret_cast<rte_mempool_cache*>(mp + 1) + lcore;
  }

  /// The first half of it: the buffer is as mbufs of a mempool must be, and may be put there.
  void retire(rte_mbuf* m, [[maybe_unused]] BufferMeta& meta) noexcept {
    assert(!meta.is_free && "a buffer was released twice");
#ifndef NDEBUG
    meta.is_free = true;
#endif
    if (receives_)
      detail::asan_unpoison(m->buf_addr, m->buf_len);
    else
      detail::asan_poison(m->buf_addr, m->buf_len);
    // Plain stores: the caller is alone with the buffer. Only where something changed: its next user, on another lcore
    // as a rule, has these lines still, and would have to fetch them again.
    if (m->refcnt != 1) m->refcnt = 1;
    if (m->next != nullptr) [[unlikely]]
      m->next = nullptr;
    if (m->nb_segs != 1) [[unlikely]]
      m->nb_segs = 1;
    detail::tsan_release(m);
  }

  /// A home whose pool goes: freed now or, when buffers are out, when all are back and the next pool comes or
  /// goes.
  static void leave(std::unique_ptr<BufferHome> home) noexcept;
  /// Frees those left homes that are full by now. Returns how many are still there.
  static std::size_t sweep() noexcept;

 private:
  /// Release: the pool may be destroyed as soon as the last buffer counts as back (full()).
  static void count(rte_mempool_cache& cache, std::uint32_t len) noexcept {
    __atomic_store_n(&cache.len, len, __ATOMIC_RELEASE);
  }

  /// From now on buffers go straight to the mempool's ring, drivers' too: its last step is the ring's.
  void close_caches() noexcept;

  struct MempoolDeleter {
    void operator()(rte_mempool* mp) const noexcept { rte_mempool_free(mp); }
  };
  struct AccountsDeleter {
    std::size_t bytes;
    void operator()(Account* accounts) const noexcept;
  };

  std::unique_ptr<rte_mempool, MempoolDeleter> mempool_;
  bool receives_;
  bool has_caches_;
  std::size_t account_stride_;
  std::unique_ptr<Account[], AccountsDeleter> accounts_;
};

}  // namespace bab
