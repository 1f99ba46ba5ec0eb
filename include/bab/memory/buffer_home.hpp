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

/// What the handles to a pool's buffers need of it: the memory itself and the table of handle
/// counts. It outlives its BufferPool for as long as some of its buffers are out, so that a Packet
/// or a SendPacket that comes late finds all in place.
class BufferHome {
 public:
  /// `mempool` becomes this one's. `receives`: free buffers stay readable (see BufferPoolOptions).
  /// Throws Error when there is no memory for the table.
  BufferHome(rte_mempool* mempool, bool receives);
  BufferHome(const BufferHome&) = delete;
  BufferHome& operator=(const BufferHome&) = delete;
  /// When all its buffers are back, or EAL's memory isn't there any more.
  ~BufferHome();

  /// What `lcore` holds of buffer `id`. Only that lcore may read or write it.
  [[nodiscard]] Account& account(unsigned lcore, std::uint32_t id) noexcept {
    BAB_ASSERT(lcore < RTE_MAX_LCORE && id < mempool_->size);
    return accounts_[static_cast<std::size_t>(lcore) * account_stride_ + id];
  }

  [[nodiscard]] rte_mempool* mempool() const noexcept { return mempool_.get(); }

  /// Whether its bytes are in its own memory, and not another mbuf's or the application's. Any
  /// thread.
  [[nodiscard]] static bool is_direct(const rte_mbuf* m) noexcept {
    // One byte of the flags: no constant of 64 bits is needed.
    return (static_cast<std::uint8_t>(m->ol_flags >> 56) & (kNotDirect >> 56)) == 0;
  }

  /// Whether all buffers are back. What those who gave them back did before, happened before.
  [[nodiscard]] bool full() const noexcept;

  /// Takes a buffer back that nobody holds a share of, to its own pool, whose ever that is. Any
  /// thread.
  static void take_back(rte_mbuf* m) noexcept {
    // mempool_, but in the line of the mbuf that is at hand: the way by BufferMeta and here costs
    // two loads, each waiting for the one before (pool_acquire_release: 8.1 ns, so 7.1).
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

  /// rte_mempool_generic_put() but for one thing: what counts as back is in its place by then, as
  /// full() needs it. `cache`: what cache_of() said. Any thread.
  static void put(rte_mempool* mp, rte_mempool_cache* cache,
                  std::span<void* const> objects) noexcept;

  /// rte_mempool_default_cache() of this lcore, or null, for where buffers are given back: their
  /// pool's end may close the caches meanwhile. Any thread.
  [[nodiscard]] static rte_mempool_cache* cache_of(rte_mempool* mp) noexcept {
    const unsigned lcore = rte_lcore_id();
    if (lcore >= RTE_MAX_LCORE || __atomic_load_n(&mp->cache_size, __ATOMIC_RELAXED) == 0)
      return nullptr;
    // Where rte_mempool_create_empty() puts them: local_cache says the same, but giving back waits
    // for each load.
    return reinterpret_cast<rte_mempool_cache*>(mp + 1) + lcore;
  }

  /// The first half of it: the buffer is as mbufs of a mempool must be, and may be put there.
  /// False: it is there already.
  [[nodiscard]] static bool retire(rte_mbuf* m) noexcept {
    detail::tsan_comes(m);  // it may have come through the other one's functions alone
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
    // Plain stores: the caller is alone with the buffer. Only where something changed: its next
    // user, on another lcore as a rule, has these lines still, and would have to fetch them again.
    // refcnt and nb_segs are one word.
    std::uint32_t counts;
    auto* const at = reinterpret_cast<std::byte*>(m) + offsetof(rte_mbuf, refcnt);
    std::memcpy(&counts, at, sizeof counts);
    if (counts != kOneAndOne) std::memcpy(at, &kOneAndOne, sizeof kOneAndOne);
    detail::tsan_release(m);
    return true;
  }

  /// Buffers that came back as indirect ones, or with external memory; of a pool that is there, and
  /// ever so many.
  [[nodiscard]] std::uint64_t detached() const noexcept {
    return detached_.load(std::memory_order_relaxed);
  }

  /// A home whose pool goes: freed now or, when buffers are out, when all are back and the next
  /// pool comes or goes.
  static void leave(std::unique_ptr<BufferHome> home) noexcept;
  /// Frees those left homes that are full by now. Returns how many are still there.
  static std::size_t sweep() noexcept;

 private:
  static constexpr std::uint64_t kNotDirect = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
  static constexpr std::uint32_t kOneAndOne = 0x0001'0001;
  static_assert((kNotDirect & ~(std::uint64_t{0xff} << 56)) == 0);
  static_assert(offsetof(rte_mbuf, nb_segs) == offsetof(rte_mbuf, refcnt) + 2);

  /// What isn't the buffer's own goes back to its owner: memory of another mbuf or of the
  /// application, segments behind it (a share of each). False where nothing is left: a buffer that
  /// goes with its memory (of a pool that pins some).
  [[nodiscard]] static bool take_apart(rte_mbuf* m) noexcept;
  [[nodiscard]] static bool is_ours(const rte_mbuf* m) noexcept {
    return detail::pool_tag(m->pool) != nullptr;
  }
  /// From whoever has no business in a free buffer, when sanitizers look.
  static void hide(rte_mbuf* m) noexcept;

  /// Release: the pool may be destroyed as soon as the last buffer counts as back (full()).
  static void count(rte_mempool_cache& cache, std::uint32_t len) noexcept {
    __atomic_store_n(&cache.len, len, __ATOMIC_RELEASE);
  }

  /// From now on buffers go straight to the mempool's ring, drivers' too: its last step is the
  /// ring's.
  void close_caches() noexcept;

  struct MempoolDeleter {
    void operator()(rte_mempool* mp) const noexcept { rte_mempool_free(mp); }
  };
  struct AccountsDeleter {
    std::size_t bytes;
    void operator()(Account* accounts) const noexcept;
  };

  detail::EalUse eal_;  // goes last
  std::unique_ptr<rte_mempool, MempoolDeleter> mempool_;
  bool receives_;
  bool has_caches_;
  std::size_t account_stride_;
  std::unique_ptr<Account[], AccountsDeleter> accounts_;
  std::atomic<std::uint64_t> detached_{0};
};

}  // namespace bab
