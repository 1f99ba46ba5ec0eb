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
  std::string name{};         ///< 1 … 25 characters; no other mempool may have it
  std::uint32_t buffers = 0;  ///< 1 … 2^32 - 2
  /// Bytes of data per buffer, DPDK's headroom of 128 included: 129 … 65,535.
  std::uint16_t data_room = RTE_MBUF_DEFAULT_BUF_SIZE;
  /// Buffers that an lcore's cache may keep, 0 … 512; kFitting: 250, as testpmd has. The caches are
  /// smaller if all together could hold more than a quarter of the pool: caches() says how small.
  static constexpr std::uint32_t kFitting = 0xffffffff;
  std::uint32_t cache = kFitting;
  /// How many lcores may have a cache at a time, at most RTE_MAX_LCORE; 0: as many as EAL has.
  /// Further lcores, such as threads that registered, work without a cache.
  unsigned lcores = 0;
  /// The NUMA node of its memory.
  int socket = SOCKET_ID_ANY;
  /// Whether a NIC receives into this pool. Its driver takes buffers without telling bab, so that
  /// sanitizer builds leave free buffers readable.
  bool receives = false;
};

struct BufferPoolStats {
  std::uint32_t total = 0;
  std::uint32_t free = 0;  ///< including those in lcores' caches
  std::vector<std::pair<unsigned, std::uint32_t>>
      cached;                 ///< (lcore, buffers) of each cache that isn't empty
  std::uint32_t waiting = 0;  ///< acquires that wait for a buffer
  /// Buffers of this pool that bab got back as indirect mbufs or with external memory. What wasn't
  /// theirs went to its owners.
  std::uint64_t detached = 0;
  /// High-water mark of the buffers that were in use or in lcores' caches, and so not in the part
  /// that all lcores share.
  std::uint32_t most_out = 0;
};

/// A buffer that is not free, and its holders: for an operator who looks for missing buffers.
struct BufferHolder {
  const rte_mbuf* buffer;
  std::uint32_t buffer_id;
  std::uint16_t shares;
  std::vector<unsigned>
      lcores;  ///< those with handles; empty: a queue, a NIC or a SendPacket has it
};

/// A fixed set of equal buffers on hugepage memory: a pktmbuf pool with a cache per lcore and a
/// table of handle counts per lcore. Nothing is allocated after construction.
///
/// A buffer is an rte_mbuf with one share, the frame's (Shares lists the owners of others). PMDs
/// allocate from and free to `mempool()` directly; both ways meet in the same caches.
///
/// An lcore has a cache as long as it turns a loop and says so in each turn (relieve(); an Lcore
/// does). Without a cache it takes and gives back buffers one by one. A thread that keeps asking,
/// at least once a second, gets a buffer that is free at the latest when each of the other lcores
/// that turn has turned twice (LcoreCaches).
class BufferPool {
 public:
  /// Throws Error: an option is out of its range, no memory, the name is in use, an address at 2^48
  /// or above (see SendPacket), no EAL, a secondary process, a child of fork(), or `headers`
  /// doesn't fit the library. A child of fork() must use no pool of its parent: they may share its
  /// memory. `headers` says what the caller was compiled with: leave it at its default.
  explicit BufferPool(const BufferPoolOptions& options,
                      const detail::Headers& headers = detail::kHeaders);
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  /// While it runs, no other lcore may run a loop (relieve() looks at every pool), acquire from
  /// this pool or wait for its buffers. Buffers may be out and may come back meanwhile, but no
  /// driver may be freeing one at that very moment. The memory and the name then stay until all
  /// buffers are back and another pool is created or destroyed.
  ~BufferPool();

  /// The pool of a buffer. Null: the mbuf is from no pool of ours, or that pool was destroyed. Not
  /// ours are the application's mempools and pools of another process or of another copy of this
  /// library (in a plugin). Any thread.
  static BufferPool* of(const rte_mbuf* m) noexcept {
    const detail::PoolTag* tag = detail::pool_tag(m->pool);
    return tag != nullptr ? static_cast<BufferPool*>(__atomic_load_n(&tag->pool, __ATOMIC_RELAXED))
                          : nullptr;
  }

  /// Whether the mbuf is as bab's buffers are: its pool is one of ours and exists, it is one
  /// segment, and its bytes are in its own memory (not in another mbuf's or the application's, as
  /// those of an indirect clone or an external buffer are). Any thread.
  static bool is_plain(const rte_mbuf* m) noexcept {
    return m->nb_segs == 1 && BufferHome::is_direct(m) && of(m) != nullptr;
  }

  /// Copies an mbuf of any pool, with all its segments, into one buffer. What the NIC said of it
  /// (flags, RSS hash, VLAN) is copied, too. Null: it doesn't fit behind the headroom, or
  /// try_acquire() gives no buffer. `m` stays as it is. Any thread.
  [[nodiscard]] rte_mbuf* copy_of(const rte_mbuf* m) noexcept;

  /// One buffer with one share. Null: none is free, or somebody waits for one (acquire()) and has
  /// precedence. Any thread; lcores use their cache.
  [[nodiscard, gnu::always_inline]] rte_mbuf* try_acquire() noexcept {
    if (awaited()) [[unlikely]]
      return nullptr;
    return take();
  }

  /// Fills all of `out`, or takes nothing and returns false. Any thread.
  [[nodiscard]] bool try_acquire(std::span<rte_mbuf*> out) noexcept;

  /// try_acquire() for a waiter that is served now (its turn has come), and for no other caller.
  [[nodiscard]] rte_mbuf* take_served() noexcept { return take(); }

  /// Begins to fetch the buffer that the calling lcore will acquire next: another lcore used it
  /// last. For loops that have nothing else to do. Any thread.
  void prefetch_next() const noexcept {
    const rte_mempool_cache* cache = rte_mempool_default_cache(mempool_, rte_lcore_id());
    if (cache != nullptr && cache->len > 0)
      prefetch_buffer<true>(static_cast<const rte_mbuf*>(cache->objs[cache->len - 1]));
  }

  /// `co_await pool.acquire()`: one buffer, or null if the wait was cancelled. First come, first
  /// served, over all lcores. On an Lcore. Defined in bab/lcore/acquire.hpp.
  [[nodiscard]] Acquire acquire() noexcept;
  /// Fills all of `out` or, if cancelled, nothing. More than size() ends with kClosed at once.
  [[nodiscard]] AcquireBulk acquire(std::span<rte_mbuf*> out) noexcept;

  /// Gives up the caller's share. The last share returns the buffer to its own pool, which needn't
  /// be bab's. Things that aren't its own return to their owners: an indirect mbuf's bytes,
  /// external memory (its callback is called), further segments. (While others hold shares, only
  /// the first segment's is given up: each segment has its own.) Any thread.
  static void release(rte_mbuf* m) noexcept {
    if (Shares<>::give_up(m)) recycle(m);
  }

  /// The same for many buffers. Nulls are skipped.
  static void release(std::span<rte_mbuf* const> buffers) noexcept;

  /// Returns a buffer of which the caller holds every share (Shares::give_up() was true). Any
  /// thread.
  static void recycle(rte_mbuf* m) noexcept { BufferHome::take_back(m); }

  /// To be called for each mbuf that a driver's RX burst returned: tells sanitizers and debug
  /// checks that the buffer is in use. Does nothing if the library was built without them (and, for
  /// ThreadSanitizer, the caller as well).
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
  /// How many buffers an lcore's cache of this pool may keep.
  [[nodiscard]] const LcoreCaches& caches() const noexcept { return caches_; }

  /// Free buffers, including those in lcores' caches. Exact while no lcore runs. Slow: it walks the
  /// caches.
  [[nodiscard]] std::uint32_t available() const noexcept {
    return rte_mempool_avail_count(mempool());
  }
  [[nodiscard]] std::uint32_t in_use() const noexcept { return size_ - available(); }

  /// Whether somebody waits for a buffer. Writers then hand over frames that aren't full.
  [[nodiscard]] bool awaited() const noexcept {
    return waiters_.load(std::memory_order_relaxed) != 0;
  }

  /// The pool's figures; a snapshot while lcores run. Slow.
  [[nodiscard]] BufferPoolStats stats() const;

  /// Says that somebody found no buffer without asking bab: rte_pktmbuf_alloc() from mempool()
  /// failed, or a driver counts such failures. Each lcore then gives back what its cache keeps,
  /// within two of its turns. Any thread. (bab's own functions call this by themselves.)
  void announce_need() noexcept;

  /// To be called after an RX burst into this pool that brought fewer frames than it could. If the
  /// driver may have found fewer than `wanted` buffers, the number that it takes at once, this does
  /// what announce_need() does. On the lcore that received.
  void note_short_burst(std::size_t wanted) noexcept {
    const rte_mempool_cache* cache = rte_mempool_default_cache(mempool_, rte_lcore_id());
    const std::uint32_t at_hand = shared_count() + (cache != nullptr ? cache->len : 0);
    if (at_hand < wanted && caches_.others_may_keep(rte_lcore_id())) [[unlikely]]
      announce_need();
  }

  /// Once per turn of a loop, on its lcore; an Lcore does it by itself. From now on that lcore's
  /// caches are open. If somebody waits for a pool's buffers or found none, the buffers in its
  /// cache (drivers free into it, too) go back to where all lcores find them. A thread without an
  /// lcore id has no caches. A loop that ends or pauses calls empty_caches(): otherwise no other
  /// lcore can get these buffers meanwhile.
  static void relieve() noexcept {
    const unsigned lcore = rte_lcore_id();
    // A1: pairs with R1 (call_attention(), line_up()): the need is seen as well.
    if (lcore < RTE_MAX_LCORE && turns_[lcore].seen != attention_.load(std::memory_order_acquire))
        [[unlikely]]
      relieve_all(lcore);
  }

  /// The calling lcore turns its loop no more: the buffers in its caches, of all pools, go back,
  /// and the caches stay closed until it calls relieve() again. An Lcore does it by itself when its
  /// loop ends. The end of a thread's registration does it, too, whoever registered the thread.
  static void empty_caches() noexcept;

  /// Buffers that are not free, at most `most` of them. Exact after all lcores have stopped. While
  /// they run it is a snapshot, and some of the buffers may just be changing hands. If the
  /// mempool's driver is no ring, it takes the free buffers out for the time of the call, and
  /// lcores may find none. Slow.
  [[nodiscard]] std::vector<BufferHolder> holders(std::size_t most) const;

 private:
  struct Complete {};
  BufferPool(Complete, const BufferPoolOptions& options);  // all options are chosen

  /// What an lcore's last turn saw of attention_. kNothing: its caches may be closed, or its last
  /// turn left something to do.
  struct alignas(RTE_CACHE_LINE_SIZE) Turn {
    static constexpr std::uint64_t kNothing = ~std::uint64_t{0};
    std::uint64_t seen = kNothing;
  };
  static Turn turns_[RTE_MAX_LCORE];
  /// Of all pools: events << 32 | pools with waiters. While there are waiters, every lcore looks in
  /// every turn.
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

  /// try_acquire() for a waiter that is served.
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

  // For AcquireBulk, on the waiter's lcore.
  std::optional<std::uint64_t> line_up() noexcept;
  bool is_served(std::uint64_t ticket) const noexcept { return line_.is_served(ticket); }
  void leave_line(std::uint64_t ticket) noexcept;

  /// A free mbuf has refcnt 1, nb_segs 1 and no next (mbuf's invariant). This sets the rest.
  void prepare(rte_mbuf* m) noexcept {
    // ThreadSanitizer: pairs with BufferHome::retire(). The mempool orders the two.
    detail::tsan_acquire(m);
    reset(m);
    if constexpr (detail::kChecks) buffer_meta(m).is_free = false;
    detail::asan_unpoison(m->buf_addr, m->buf_len);
  }

  /// rte_pktmbuf_reset() for a buffer without external memory. The order of the fields gives wide
  /// stores. Fields that are right in a free mbuf are left out. The mbuf's second cache line is
  /// only read, so that all lcores keep their copies of it.
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
  rte_mempool* mempool_ = nullptr;    // home_'s: saves one load per buffer
  const rte_ring* shared_ = nullptr;  // the part that all lcores share; null: it is no ring
  alignas(RTE_CACHE_LINE_SIZE) std::atomic<std::uint32_t> waiters_{0};
  LcoreCaches caches_;
  TicketQueue<> line_;
  std::atomic<std::uint32_t> most_out_{0};
};

}  // namespace bab
