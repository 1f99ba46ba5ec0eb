#include <bab/memory/buffer_home.hpp>

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <list>
#include <mutex>
#include <new>
#include <utility>

#include <fmt/format.h>

#include <bab/base/error.hpp>
#include <bab/memory/shares.hpp>

namespace bab {
namespace {

/// Each lcore's accounts start on a page of their own: no false sharing between lcores, and rows of
/// lcores that never come cost no memory.
constexpr std::size_t kPage = 4096;

std::size_t account_row(std::uint32_t buffers) {
  return (buffers * sizeof(Account) + kPage - 1) / kPage * kPage / sizeof(Account);
}

Account* map_accounts(std::size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    throw Error::from_code(fmt::format("mapping {} bytes of handle counts", bytes), errno);
  return static_cast<Account*>(p);
}

/// Never destroyed: handles may come back while the program ends. Not on the heap: an allocation
/// may fail where nothing may throw.
struct Left {
  std::mutex mutex;
  std::list<std::unique_ptr<BufferHome>> homes;
};
Left& left() {
  alignas(Left) static std::byte place[sizeof(Left)];
  static Left& all = *new (place) Left;
  return all;
}

}  // namespace

BufferHome::BufferHome(rte_mempool* mempool, bool receives)
    : eal_(mempool->name),
      mempool_(mempool),
      receives_(receives),
      has_caches_(mempool->cache_size > 0),
      account_stride_(account_row(mempool->size)) {
  if (mempool->local_cache != reinterpret_cast<rte_mempool_cache*>(mempool + 1))
    throw Error(
        "this DPDK keeps a mempool's caches at another place than the DPDK that bab was built "
        "with; build bab with this one");
  const std::size_t bytes = account_stride_ * sizeof(Account) * RTE_MAX_LCORE;
  accounts_ = {map_accounts(bytes), AccountsDeleter{bytes}};
  // Rows of existing lcores get their pages now: the data path has no page faults.
  unsigned lcore;
  RTE_LCORE_FOREACH(lcore) {
    for (std::size_t i = 0; i < account_stride_; i += kPage / sizeof(Account))
      accounts_[lcore * account_stride_ + i].handles = 0;
  }
}

BufferHome::~BufferHome() {
  if (!detail::eal_is_there()) {
    (void)mempool_.release();
    return;
  }
  rte_mempool_obj_iter(
      mempool_.get(),
      [](rte_mempool*, void*, void* object, unsigned) {
        auto* m = static_cast<rte_mbuf*>(object);
        detail::asan_unpoison(m->buf_addr, m->buf_len);
      },
      nullptr);
}

void BufferHome::AccountsDeleter::operator()(Account* accounts) const noexcept {
  munmap(accounts, bytes);
}

void BufferHome::put(rte_mempool* mp, rte_mempool_cache* cache,
                     std::span<void* const> objects) noexcept {
  const auto n = static_cast<std::uint32_t>(objects.size());
  if (cache == nullptr || n > detail::cache_bound(*cache)) {
    rte_mempool_generic_put(mp, objects.data(), n, nullptr);
    return;
  }
  std::uint32_t len = cache->len;
  if (len + n > detail::cache_bound(*cache)) {
    count(*cache, 0);  // first: for a moment they count nowhere, but never twice
    rte_mempool_generic_put(mp, cache->objs, len, nullptr);
    len = 0;
  }
  std::copy(objects.begin(), objects.end(), cache->objs + len);
  count(*cache, len + n);
}

bool BufferHome::full() const noexcept {
  // The caches are closed, so that this counts only the ring. While a cache is being emptied into
  // the ring, its buffers would count twice.
  assert(mempool_->cache_size == 0 && "only of a home that its pool has left");
  std::uint64_t back = rte_mempool_avail_count(mempool_.get());
#ifndef BAB_TSAN  // ThreadSanitizer doesn't know fences
  // The ring before the caches: a buffer that moves meanwhile counts nowhere, and not twice.
  // A5: pairs with DPDK (the ring's store-release of its tail).
  std::atomic_thread_fence(std::memory_order_acquire);
#endif
  // A4: pairs with R4 (count()).
  for (unsigned lcore = 0; has_caches_ && lcore < RTE_MAX_LCORE; ++lcore)
    back += __atomic_load_n(&mempool_->local_cache[lcore].len, __ATOMIC_ACQUIRE);
  const bool all_back = back == mempool_->size;
  // Everything that was done with the buffers happened before.
#ifdef BAB_TSAN
  if (all_back)
    rte_mempool_obj_iter(
        mempool_.get(),
        [](rte_mempool*, void*, void* object, unsigned) {
          detail::tsan_acquire(static_cast<rte_mbuf*>(object));
        },
        nullptr);
#else
  // A4: pairs with R4 (count()). A5: pairs with DPDK (the ring's store-release of its tail).
  std::atomic_thread_fence(std::memory_order_acquire);
#endif
  return all_back;
}

void BufferHome::close_caches() noexcept {
  __atomic_store_n(&mempool_->cache_size, 0U, __ATOMIC_RELAXED);
}

bool BufferHome::take_apart(rte_mbuf* m) noexcept {
  rte_mbuf* segment = std::exchange(m->next, nullptr);
  m->nb_segs = 1;
  while (segment != nullptr) {
    rte_mbuf* const next = segment->next;
    if (Shares<>::give_up(segment)) {
      segment->next = nullptr;
      segment->nb_segs = 1;
      take_back(segment);
    }
    segment = next;
  }
  if (is_direct(m)) return true;
  if (is_ours(m)) {
    BufferMeta& meta = buffer_meta(m);
    meta.home->detached_.fetch_add(1, std::memory_order_relaxed);
    meta.is_free = false;  // rte_pktmbuf_clone() and drivers took it without a note
  } else if (RTE_MBUF_HAS_PINNED_EXTBUF(m)) {
    m->refcnt = 1;
    rte_pktmbuf_free_seg(m);
    return false;
  }
  // DPDK gives up the clone's share of the buffer behind it as if nobody else could do so at the
  // same time. Hence a share of our own.
  rte_mbuf* const behind = RTE_MBUF_CLONED(m) ? rte_mbuf_from_indirect(m) : nullptr;
  const bool shares = behind != nullptr && is_ours(behind);
  if (shares) Shares<>::take(behind);
  rte_pktmbuf_detach(m);
  if (shares && Shares<>::give_up(behind)) take_back(behind);
  return true;
}

void BufferHome::hide(rte_mbuf* m) noexcept {
  if (!is_ours(m)) return;
  if (buffer_meta(m).home->receives_)
    detail::asan_unpoison(m->buf_addr, m->buf_len);
  else
    detail::asan_poison(m->buf_addr, m->buf_len);
}

void BufferHome::leave(std::unique_ptr<BufferHome> home) noexcept {
  if (!detail::eal_is_there()) return;
  home->close_caches();
  {
    const std::lock_guard lock(left().mutex);
    left().homes.push_back(std::move(home));
  }
  (void)sweep();
}

std::size_t BufferHome::sweep() noexcept {
  const std::lock_guard lock(left().mutex);
  const bool there = detail::eal_is_there();
  left().homes.remove_if([there](const auto& home) { return !there || home->full(); });
  return left().homes.size();
}

}  // namespace bab
