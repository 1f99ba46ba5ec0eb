#pragma once

#include <bab/detail/build.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <bab/detail/check.hpp>
#include <bab/detail/dpdk/mempool_cache.hpp>
#include <bab/detail/eal_use.hpp>
#include <bab/detail/pool_tag.hpp>
#include <bab/detail/sanitizers.hpp>
#include <bab/memory/account.hpp>
#include <bab/memory/buffer_meta.hpp>

namespace bab {

/// The part of a pool that handles to its buffers need: the memory itself and the table of handle
/// counts. It outlives its BufferPool while some buffers are out, so that a late Packet or
/// SendPacket finds everything in place.
class BufferHome {
 public:
  /// Takes over `mempool`. `receives`: free buffers stay readable (see BufferPoolOptions). Throws
  /// Error: no memory for the table, or DPDK keeps a mempool's caches elsewhere.
  BufferHome(rte_mempool* mempool, bool receives);
  BufferHome(const BufferHome&) = delete;
  BufferHome& operator=(const BufferHome&) = delete;
  /// Only when all its buffers are back or EAL's memory has gone.
  ~BufferHome();

  /// What `lcore` holds of buffer `id`. Only that lcore may read or write it.
  [[nodiscard]] Account& account(unsigned lcore, std::uint32_t id) noexcept {
    BAB_ASSERT(lcore < RTE_MAX_LCORE && id < mempool_->size);
    return accounts_[static_cast<std::size_t>(lcore) * account_stride_ + id];
  }

  [[nodiscard]] rte_mempool* mempool() const noexcept { return mempool_.get(); }

  /// Whether the mbuf's bytes are in its own memory, and not in another mbuf's or the
  /// application's. Any thread.
  [[nodiscard]] static bool is_direct(const rte_mbuf* m) noexcept {
    // Reads one byte of the flags: needs no constant of 64 bits.
    return (static_cast<std::uint8_t>(m->ol_flags >> 56) & (kNotDirect >> 56)) == 0;
  }

  /// Whether all buffers are back. If so, everything that was done with them happened before. Only
  /// for a home that its pool has left.
  [[nodiscard]] bool full() const noexcept;

  /// Takes back a buffer of which nobody holds a share, to its own pool, whichever that is. Any
  /// thread.
  static void take_back(rte_mbuf* m) noexcept {
    // The same as mempool_, but in the mbuf's cache line, which is at hand. The way through
    // BufferMeta and this object costs two loads, one after the other (pool_acquire_release: 8.1 ns
    // instead of 7.1).
    rte_mempool* mp = m->pool;  // read while the buffer is still ours
    if (!retire(m)) [[unlikely]]
      return;
    rte_mempool_cache* cache = cache_of(mp);
    if (cache != nullptr && cache->len < detail::cache_bound(*cache)) [[likely]] {
      cache->objs[cache->len] = m;
      count(*cache, cache->len + 1);
    } else {
      void* object = m;
      put(mp, cache, {&object, 1});
    }
  }

  /// rte_mempool_generic_put(), except that a buffer is in its place before it counts as back:
  /// full() needs that. `cache`: the result of cache_of(). Any thread.
  static void put(rte_mempool* mp, rte_mempool_cache* cache,
                  std::span<void* const> objects) noexcept;

  /// This lcore's rte_mempool_default_cache(), or null, for giving buffers back: the end of their
  /// pool may close the caches meanwhile. Any thread.
  [[nodiscard]] static rte_mempool_cache* cache_of(rte_mempool* mp) noexcept {
    const unsigned lcore = rte_lcore_id();
    if (lcore >= RTE_MAX_LCORE || __atomic_load_n(&mp->cache_size, __ATOMIC_RELAXED) == 0)
      return nullptr;
    // The place where rte_mempool_create_empty() puts them. local_cache says the same, but giving
    // back would wait for one more load.
    return reinterpret_cast<rte_mempool_cache*>(mp + 1) + lcore;
  }

  /// The first half of take_back(): makes the buffer as mbufs in a mempool must be. False: it is
  /// back already.
  [[nodiscard]] static bool retire(rte_mbuf* m) noexcept {
    detail::tsan_comes(m);  // it may have come through functions that aren't watched
    if (!is_direct(m) || m->next != nullptr) [[unlikely]]
      if (!take_apart(m)) return false;
    if constexpr (detail::kChecks)
      if (is_ours(m)) {
        BAB_ASSERT(!buffer_meta(m).is_free && "a buffer was released twice");
        buffer_meta(m).is_free = true;
      }
#ifdef BAB_ASAN
    hide(m);
#endif
    // Plain stores: nobody else has the buffer. And only if something changed: the next user,
    // usually on another lcore, still has these cache lines and would have to fetch them again.
    // refcnt and nb_segs are one word.
    std::uint32_t counts;
    auto* const at = reinterpret_cast<std::byte*>(m) + offsetof(rte_mbuf, refcnt);
    std::memcpy(&counts, at, sizeof counts);
    if (counts != kOneAndOne) std::memcpy(at, &kOneAndOne, sizeof kOneAndOne);
    detail::tsan_release(m);
    return true;
  }

  /// Buffers of this pool that came back as indirect mbufs or with external memory, since it was
  /// created.
  [[nodiscard]] std::uint64_t detached() const noexcept {
    return detached_.load(std::memory_order_relaxed);
  }

  /// Takes over the home of a pool that is destroyed. It is freed at once or, if buffers are out,
  /// when all are back and the next pool is created or destroyed.
  static void leave(std::unique_ptr<BufferHome> home) noexcept;
  /// Frees the homes that leave() took over and that are full by now. Returns how many remain.
  static std::size_t sweep() noexcept;

 private:
  static constexpr std::uint64_t kNotDirect = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
  static constexpr std::uint32_t kOneAndOne = 0x0001'0001;
  static_assert((kNotDirect & ~(std::uint64_t{0xff} << 56)) == 0);
  static_assert(offsetof(rte_mbuf, nb_segs) == offsetof(rte_mbuf, refcnt) + 2);

  /// Gives back everything that isn't the buffer's own: memory of another mbuf or of the
  /// application, and further segments (a share of each). False: nothing is left, since the buffer
  /// itself went back with its memory (of a pool that pins external memory).
  [[nodiscard]] static bool take_apart(rte_mbuf* m) noexcept;
  [[nodiscard]] static bool is_ours(const rte_mbuf* m) noexcept {
    return detail::pool_tag(m->pool) != nullptr;
  }
  /// AddressSanitizer reports every use of the buffer's bytes from now on.
  static void hide(rte_mbuf* m) noexcept;

  /// R4: pairs with A4 (full()): the pool may be destroyed as soon as its last buffer counts as
  /// back.
  static void count(rte_mempool_cache& cache, std::uint32_t len) noexcept {
    __atomic_store_n(&cache.len, len, __ATOMIC_RELEASE);
  }

  /// From now on buffers go straight to the mempool's ring, also those that drivers free. The ring
  /// then does the last step of giving back.
  void close_caches() noexcept;

  struct MempoolDeleter {
    void operator()(rte_mempool* mp) const noexcept { rte_mempool_free(mp); }
  };
  struct AccountsDeleter {
    std::size_t bytes;
    void operator()(Account* accounts) const noexcept;
  };

  detail::EalUse eal_;  // destroyed last
  std::unique_ptr<rte_mempool, MempoolDeleter> mempool_;
  bool receives_;
  bool has_caches_;
  std::size_t account_stride_;
  std::unique_ptr<Account[], AccountsDeleter> accounts_;
  std::atomic<std::uint64_t> detached_{0};
};

}  // namespace bab
