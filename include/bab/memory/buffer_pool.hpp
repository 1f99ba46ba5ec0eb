#pragma once

#include <bab/detail/build.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <bab/base/spsc_ring.hpp>
#include <bab/detail/check.hpp>
#include <bab/detail/headers.hpp>
#include <bab/detail/sanitizers.hpp>
#include <bab/memory/account.hpp>
#include <bab/memory/buffer_home.hpp>
#include <bab/memory/buffer_meta.hpp>
#include <bab/memory/lcore_caches.hpp>
#include <bab/memory/shares.hpp>
#include <bab/memory/ticket_queue.hpp>

namespace bab {

class Acquire;
class AcquireBulk;

struct BufferPoolOptions {
  std::string name{};         ///< of no other mempool, 1 … 25 characters
  std::uint32_t buffers = 0;  ///< 1 … 2^32 - 2
  /// Bytes of data per buffer, DPDK's headroom of 128 included; at most 65,535.
  std::uint16_t data_room = RTE_MBUF_DEFAULT_BUF_SIZE;
  /// Buffers an lcore keeps to itself, 0 … 512; kFitting: testpmd's 250. Fewer where all caches
  /// together could hold more than a quarter of the pool: caches() says how many.
  static constexpr std::uint32_t kFitting = 0xffffffff;
  std::uint32_t cache = kFitting;
  /// Lcores that may have a cache at a time, at most RTE_MAX_LCORE; 0: as many as EAL has. Further
  /// ones, threads that registered, get on without.
  unsigned lcores = 0;
  int socket = SOCKET_ID_ANY;
  /// A NIC receives into this pool: its driver takes buffers behind our back, so that sanitizer
  /// builds leave the free ones readable.
  bool receives = false;
};

struct BufferPoolStats {
  std::uint32_t total = 0;
  std::uint32_t free = 0;  ///< those in lcores' caches included
  std::vector<std::pair<unsigned, std::uint32_t>>
      cached;                 ///< (lcore, buffers), of caches that aren't empty
  std::uint32_t waiting = 0;  ///< acquires that wait
  /// Buffers that bab gave back which were indirect or had external memory: both went to their
  /// owners.
  std::uint64_t detached = 0;
  /// High-water mark: most buffers outside the part that all lcores share, in use or in lcores'
  /// caches.
  std::uint32_t most_out = 0;
};

/// Who holds what of a pool: a line for an operator when buffers are missing.
struct BufferHolder {
  const rte_mbuf* buffer;
  std::uint32_t buffer_id;
  std::uint16_t shares;
  std::vector<unsigned> lcores;  ///< those with handles; empty: a queue, a NIC or a SendPacket
};

/// A fixed set of equal buffers on hugepage memory: a pktmbuf pool with lcore-local caches, plus a
/// table of handle counts per lcore. Nothing is allocated after construction.
///
/// A buffer is an rte_mbuf with one share, the frame's (Shares says who may own the others). PMDs
/// allocate from and free to `mempool()` directly; both ways meet in the same caches.
///
/// An lcore has a cache as long as it turns a loop and says so each turn (relieve(); an Lcore
/// does), and without one it takes and gives back one by one. While a buffer is free, whoever keeps
/// asking, at least once a second, gets one when each of the other lcores that turn has done so
/// twice (LcoreCaches).
class BufferPool {
 public:
  /// Throws Error: a bad size, no memory, a bad name or one in use, memory at 2^48 or above (see
  /// SendPacket), no EAL, a secondary process, a child of fork(). Such a child must use no pool of
  /// its parent's: their memory may be one. `headers`: what the caller was compiled with, to be
  /// left as it is; not the library's: Error.
  explicit BufferPool(const BufferPoolOptions& options,
                      const detail::Headers& headers = detail::kHeaders);
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  /// When no other lcore runs a loop (relieve() looks at every pool there is) and nobody acquires
  /// from it or waits for its buffers. Buffers may be out, and may come back meanwhile (but no
  /// driver may be freeing one at that very moment): then the memory stays until they are all back
  /// and another pool comes or goes, and so does the name.
  ~BufferPool();

  /// The pool of a buffer, or null when the mbuf is not from one of ours: from an rte_mempool of
  /// the application, a pool of another process, or one of another copy of this library (in a
  /// plugin). Any thread.
  static BufferPool* of(const rte_mbuf* m) noexcept {
    const detail::PoolTag* tag = detail::pool_tag(m->pool);
    return tag != nullptr ? static_cast<BufferPool*>(__atomic_load_n(&tag->pool, __ATOMIC_RELAXED))
                          : nullptr;
  }

  /// Whether the mbuf is a buffer as bab has them: from a pool that is there, in one piece, its
  /// bytes in its own memory (and not another mbuf's or the application's: an indirect clone, an
  /// external buffer). Any thread.
  static bool is_plain(const rte_mbuf* m) noexcept {
    return m->nb_segs == 1 && BufferHome::is_direct(m) && of(m) != nullptr;
  }

  /// A copy in one buffer of what an mbuf of whatever pool and those behind it hold, with what the
  /// NIC said of it (flags, RSS hash, VLAN). Null where it doesn't fit behind the headroom or
  /// try_acquire() gives none. `m` stays as it is. Any thread.
  [[nodiscard]] rte_mbuf* copy_of(const rte_mbuf* m) noexcept;

  /// One buffer with one share, or null when none is free or somebody waits for one (acquire()):
  /// nobody barges in. Any thread; lcores use their cache.
  [[nodiscard, gnu::always_inline]] rte_mbuf* try_acquire() noexcept {
    if (awaited()) [[unlikely]]
      return nullptr;
    return take();
  }

  /// Fills all of `out`, or nothing and returns false. Any thread.
  [[nodiscard]] bool try_acquire(std::span<rte_mbuf*> out) noexcept;

  /// try_acquire() for whoever waited and is served now (its turn in the line has come), and only
  /// for them.
  [[nodiscard]] rte_mbuf* take_served() noexcept { return take(); }

  /// Begins to fetch the buffer that the calling lcore's next acquire gives, which another lcore
  /// used last: for loops that have nothing else to do. Any thread.
  void prefetch_next() const noexcept {
    const rte_mempool_cache* cache = rte_mempool_default_cache(mempool_, rte_lcore_id());
    if (cache != nullptr && cache->len > 0)
      prefetch_buffer<true>(static_cast<const rte_mbuf*>(cache->objs[cache->len - 1]));
  }

  /// `co_await pool.acquire()`: one buffer, or null when the wait was cancelled. First come, first
  /// served, over all lcores. Defined in bab/lcore/acquire.hpp.
  [[nodiscard]] Acquire acquire() noexcept;
  /// All of `out` or, when cancelled, none. More than size() is never granted: kClosed at once.
  [[nodiscard]] AcquireBulk acquire(std::span<rte_mbuf*> out) noexcept;

  /// Gives up the caller's share; the last one returns the buffer to its own pool, be it bab's or
  /// not, and what isn't its own to whom that belongs: an indirect mbuf's bytes, external memory
  /// (its callback is called), the segments behind it. (While others have shares, too, only the
  /// first segment's is given up: each has its own.) Any thread.
  static void release(rte_mbuf* m) noexcept {
    if (Shares<>::give_up(m)) recycle(m);
  }

  /// The same for many; nulls are passed over.
  static void release(std::span<rte_mbuf* const> buffers) noexcept;

  /// Returns a buffer whose every share the caller holds (Shares::give_up said so). Any thread.
  static void recycle(rte_mbuf* m) noexcept { BufferHome::take_back(m); }

  /// To be called on what a driver's RX burst gave: tells the sanitizers and debug checks that the
  /// buffer is in use. A no-op where the library was built without them (and, for ThreadSanitizer,
  /// the caller as well).
  static void received([[maybe_unused]] rte_mbuf* m) noexcept {
    if constexpr (detail::kTsan)  // first: the note is written into the buffer
      for (rte_mbuf* segment = m; segment != nullptr; segment = segment->next)
        detail::tsan_acquire(segment);
    if constexpr (detail::kChecks || detail::kAsan) note_received(m);
  }

  /// What `lcore` holds of buffer `id`. Only that lcore may read or write it.
  [[nodiscard]] Account& account(unsigned lcore, std::uint32_t id) noexcept {
    return home_->account(lcore, id);
  }

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint16_t data_room() const noexcept { return data_room_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] rte_mempool* mempool() const noexcept { return mempool_; }
  /// What lcores' caches of this pool may keep.
  [[nodiscard]] const LcoreCaches& caches() const noexcept { return caches_; }

  /// Free buffers, those in lcore caches included. Exact when no lcore runs; slow (walks caches).
  [[nodiscard]] std::uint32_t available() const noexcept {
    return rte_mempool_avail_count(mempool());
  }
  [[nodiscard]] std::uint32_t in_use() const noexcept { return size_ - available(); }

  /// Whether somebody waits for a buffer: writers then let go of frames that aren't full.
  [[nodiscard]] bool awaited() const noexcept {
    return waiters_.load(std::memory_order_relaxed) != 0;
  }

  /// What the pool has and who waits. Figures of lcores that run are a moment's; slow.
  [[nodiscard]] BufferPoolStats stats() const;

  /// Somebody who doesn't ask bab found no buffer: rte_pktmbuf_alloc() of mempool() failed, a
  /// driver counts such failures. What lcores keep in their caches then comes back within two of
  /// their turns. Any thread. (What finds none here says so itself.)
  void announce_need() noexcept;

  /// After an RX burst into this pool that brought fewer frames than it could: where that may be
  /// because the driver doesn't find `wanted` buffers, which is how many it takes at once, the
  /// same. On the lcore that received.
  void note_short_burst(std::size_t wanted) noexcept {
    const rte_mempool_cache* cache = rte_mempool_default_cache(mempool_, rte_lcore_id());
    const std::uint32_t at_hand = shared_count() + (cache != nullptr ? cache->len : 0);
    if (at_hand < wanted && caches_.others_may_keep(rte_lcore_id())) [[unlikely]]
      announce_need();
  }

  /// Once per turn of a loop, on its lcore: that lcore's caches are open from now on; and where
  /// somebody waits for a pool's buffers or found none, what is in its cache goes back to where all
  /// lcores find it (drivers free into that cache, too). An Lcore does it by itself. A thread
  /// without an lcore id has no caches. Whoever turns no more, or not for a while, calls
  /// empty_caches(): else buffers stay out of the others' reach that long.
  static void relieve() noexcept {
    const unsigned lcore = rte_lcore_id();
    // Acquire pairs with announce_need(): whose need it is, is seen as well.
    if (lcore < RTE_MAX_LCORE && turns_[lcore].seen != attention_.load(std::memory_order_acquire))
        [[unlikely]]
      relieve_all(lcore);
  }

  /// The calling lcore turns its loop no more: what it keeps in its caches, of all pools, goes
  /// back, and they stay closed until relieve() is called there again. An Lcore whose loop ends
  /// does it by itself, and so does the end of a thread's registration, whoever registered it.
  static void empty_caches() noexcept;

  /// Buffers that are not free, at most `most`. Exact after all lcores have stopped. While they run
  /// it is a moment's picture with some on their way in it; over a mempool driver that isn't a ring
  /// it takes the free ones away for that long, and lcores may find none. Slow.
  [[nodiscard]] std::vector<BufferHolder> holders(std::size_t most) const;

 private:
  struct Complete {};
  BufferPool(Complete, const BufferPoolOptions& options);  // nothing is left to choose

  /// What an lcore's last turn saw of attention_; kNothing: its caches may be closed, or their turn
  /// isn't over.
  struct alignas(RTE_CACHE_LINE_SIZE) Turn {
    static constexpr std::uint64_t kNothing = ~std::uint64_t{0};
    std::uint64_t seen = kNothing;
  };
  static Turn turns_[RTE_MAX_LCORE];
  /// Of all pools: events << 32 | pools with waiters. While there are waiters no lcore has seen it
  /// all.
  static std::atomic<std::uint64_t> attention_;
  static constexpr std::uint64_t kEvent = std::uint64_t{1} << 32;

  static void note_received(rte_mbuf* m) noexcept;
  static void relieve_all(unsigned lcore) noexcept;
  static void call_attention() noexcept;
  [[nodiscard]] unsigned shared_count() const noexcept;
  void note_refill() noexcept;

  friend class AcquireBulk;
  template <class Writer>
  friend class ReserveWaiting;

  /// try_acquire() for whoever is served.
  [[nodiscard, gnu::always_inline]] rte_mbuf* take() noexcept {
    rte_mempool_cache* cache = rte_mempool_default_cache(mempool_, rte_lcore_id());
    void* object;
    if (cache != nullptr && cache->len > 0) [[likely]] {
      object = cache->objs[--cache->len];
    } else {
      if (rte_mempool_generic_get(mempool_, &object, 1, cache) < 0) {
        announce_need();
        return nullptr;
      }
      note_refill();
    }
    auto* m = static_cast<rte_mbuf*>(object);
    prepare(m);
    return m;
  }

  // What AcquireBulk does, on the waiter's lcore.
  std::optional<std::uint64_t> line_up() noexcept;
  bool is_served(std::uint64_t ticket) const noexcept { return line_.is_served(ticket); }
  void leave_line(std::uint64_t ticket) noexcept;

  /// A free mbuf has refcnt 1, nb_segs 1 and no next (mbuf invariant); the rest is set here.
  void prepare(rte_mbuf* m) noexcept {
    // Pairs with the release in BufferHome::retire(): the mempool orders the two.
    detail::tsan_acquire(m);
    reset(m);
    if constexpr (detail::kChecks) buffer_meta(m).is_free = false;
    detail::asan_unpoison(m->buf_addr, m->buf_len);
  }

  /// rte_pktmbuf_reset() of a buffer that has no external memory, in the order of the fields, which
  /// gives wide stores, and without what a free mbuf has already. Its second line is only read: it
  /// stays with all lcores.
  static void reset(rte_mbuf* m) noexcept {
    m->data_off = RTE_PKTMBUF_HEADROOM;
    m->port = RTE_MBUF_PORT_INVALID;
    m->ol_flags = 0;
    m->packet_type = 0;
    m->pkt_len = 0;
    m->data_len = 0;
    m->vlan_tci = 0;
    m->vlan_tci_outer = 0;
    if (m->tx_offload != 0) m->tx_offload = 0;
    __rte_mbuf_sanity_check(m, 1);
  }

  std::string name_;
  std::uint32_t size_;
  std::uint16_t data_room_;
  std::unique_ptr<BufferHome> home_;
  rte_mempool* mempool_ = nullptr;    // home_'s: one load less for every buffer
  const rte_ring* shared_ = nullptr;  // where all lcores find buffers; null: not a ring
  alignas(RTE_CACHE_LINE_SIZE) std::atomic<std::uint32_t> waiters_{0};
  LcoreCaches caches_;
  TicketQueue<> line_;
  std::atomic<std::uint32_t> most_out_{0};
};

}  // namespace bab
