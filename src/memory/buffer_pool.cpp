#include <bab/memory/buffer_pool.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <string_view>

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_ring.h>

#include <bab/base/error.hpp>
#include <bab/detail/eal_use.hpp>
#include <bab/detail/headers.hpp>
#include <bab/detail/pool_tag.hpp>

#include "address_reach.hpp"

namespace bab {
namespace {

constexpr std::uint32_t kTestpmdCache = 250;

/// All pools. Set-up enters and removes them; lcores walk through them. 256: DPDK runs out of names
/// for mempools later.
std::array<std::atomic<BufferPool*>, 256> all_pools;
/// The number of places that were ever taken: the walk ends there.
std::atomic<std::size_t> places_taken{0};
/// Held while an lcore that goes, on any thread, closes its caches of pools: these pools may be
/// destroyed at the same time. No EAL function is called under it: EAL holds locks of its own when
/// it calls us. Never destroyed: a pool may be a global and be destroyed last.
std::mutex& going() {
  alignas(std::mutex) static std::byte place[sizeof(std::mutex)];
  static std::mutex& all = *new (place) std::mutex;
  return all;
}

template <class Visit>
void for_each_pool(Visit visit) {
  // A7: pairs with R7 (enter_pool()).
  const std::size_t end = places_taken.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < end; ++i)
    // A6: pairs with R6 (enter_pool()): the pool is complete.
    if (BufferPool* pool = all_pools[i].load(std::memory_order_acquire)) visit(*pool);
}

/// Called on a thread that gives up its lcore id. EAL calls it for registered threads, whoever
/// registered them.
void lcore_goes(unsigned lcore, void* /*none*/) {
  if (lcore == rte_lcore_id()) BufferPool::empty_caches();
}

/// While there are pools, EAL says which lcores go.
struct Goodbyes {
  std::mutex mutex;
  std::size_t pools = 0;
  void* handle = nullptr;
};
Goodbyes& goodbyes() {
  // Never destroyed: a pool may be a global and be destroyed last.
  alignas(Goodbyes) static std::byte place[sizeof(Goodbyes)];
  static Goodbyes& all = *new (place) Goodbyes;
  return all;
}

void enter_pool(BufferPool* pool, const std::string& name) {
  Goodbyes& lcores = goodbyes();
  const std::lock_guard lock(lcores.mutex);
  if (lcores.pools == 0 &&
      !(lcores.handle = rte_lcore_callback_register("bab", nullptr, lcore_goes, nullptr)))
    throw Error(fmt::format("creating pool {}: no memory for a callback when lcores go", name));
  for (std::size_t i = 0; i < all_pools.size(); ++i)
    // R6: pairs with A6 (for_each_pool()).
    if (BufferPool* none = nullptr; all_pools[i].compare_exchange_strong(none, pool)) {
      // R7: pairs with A7: a walk that goes this far finds the pool.
      places_taken.store(std::max(places_taken.load(), i + 1));
      ++lcores.pools;
      return;
    }
  throw Error(fmt::format("creating pool {}: there are {} pools, and no more are possible", name,
                          all_pools.size()));
}

void leave_pools(BufferPool* pool) {
  Goodbyes& lcores = goodbyes();
  const std::lock_guard lock(lcores.mutex);
  {
    const std::lock_guard nobody_looks(going());
    for (auto& place : all_pools)
      if (BufferPool* same = pool; place.compare_exchange_strong(same, nullptr)) break;
  }
  if (--lcores.pools == 0) rte_lcore_callback_unregister(std::exchange(lcores.handle, nullptr));
}

/// The ring in which a mempool keeps the buffers that are in no lcore's cache. Null: its driver is
/// no ring.
const rte_ring* ring_of(const rte_mempool& mp) {
  const bool is_ring =
      std::string_view(rte_mempool_get_ops(mp.ops_index)->name).starts_with("ring_");
  return is_ring ? static_cast<const rte_ring*>(mp.pool_data) : nullptr;
}

/// Shows `note` the buffers in that ring without taking them out. False: there is no ring.
template <class Note>
bool peek(const rte_ring* ring, Note note) {
  if (ring == nullptr) return false;
  void* const* slots =
      reinterpret_cast<void* const*>(ring + 1);  // they follow the header: rte_ring_elem.h
  // A8: pairs with DPDK (rte_ring's store-releases of its tails): the slots between them are
  // filled.
  const std::uint32_t out = __atomic_load_n(&ring->cons.tail, __ATOMIC_ACQUIRE);
  const std::uint32_t in = __atomic_load_n(&ring->prod.tail, __ATOMIC_ACQUIRE);
  const std::uint32_t count = std::min(in - out, ring->capacity);
  for (std::uint32_t i = 0; i < count; ++i)
    note(__atomic_load_n(&slots[(out + i) & ring->mask], __ATOMIC_RELAXED));
  return true;
}

constexpr std::string_view kMoreMemory =
    "use fewer or smaller buffers, or give more memory (EAL's -m, or more hugepages in "
    "/proc/sys/vm/nr_hugepages)";

void check(const BufferPoolOptions& o) {
  constexpr std::size_t kLongestName = RTE_MEMPOOL_NAMESIZE - 1;
  if (o.name.empty())
    throw Error(fmt::format("a pool of {} buffers has no name; give it one of 1 to {} characters",
                            o.buffers, kLongestName));
  if (o.name.size() > kLongestName)
    throw Error(fmt::format("pool {}: its name of {} characters is too long; it takes 1 to {}",
                            o.name, o.name.size(), kLongestName));
  if (o.buffers == 0 || o.buffers == std::numeric_limits<std::uint32_t>::max())
    throw Error(
        fmt::format("pool {}: {} buffers asked for; it takes 1 to 4294967294", o.name, o.buffers));
  if (o.data_room <= RTE_PKTMBUF_HEADROOM)
    throw Error(fmt::format("pool {}: buffers of {} bytes hold no data behind the headroom of {}",
                            o.name, o.data_room, RTE_PKTMBUF_HEADROOM));
  if (o.cache > RTE_MEMPOOL_CACHE_MAX_SIZE)
    throw Error(fmt::format("pool {}: a cache of {} buffers per lcore is more than DPDK's {}",
                            o.name, o.cache, RTE_MEMPOOL_CACHE_MAX_SIZE));
  if (o.lcores > RTE_MAX_LCORE)
    throw Error(fmt::format("pool {}: caches for {} lcores are more than DPDK's {}", o.name,
                            o.lcores, RTE_MAX_LCORE));
}

BufferPoolOptions completed(const BufferPoolOptions& asked, const detail::Headers& headers) {
  detail::check_headers(headers);  // before the copy: strings may have another layout
  BufferPoolOptions o = asked;
  if (o.cache == BufferPoolOptions::kFitting) o.cache = kTestpmdCache;
  if (o.lcores == 0) o.lcores = rte_lcore_count();
  check(o);
  return o;
}

}  // namespace

BufferPool::BufferPool(const BufferPoolOptions& options, const detail::Headers& headers)
    : BufferPool(Complete{}, completed(options, headers)) {}

BufferPool::BufferPool(Complete, const BufferPoolOptions& options)
    : name_(options.name),
      size_(options.buffers),
      data_room_(options.data_room),
      caches_(options.cache, options.buffers, options.lcores) {
  const std::string tried =
      fmt::format("creating pool {} of {} buffers of {} bytes", name_, size_, data_room_);
  const detail::EalUse eal(tried);
  detail::before_eal_ends([]() noexcept { (void)BufferHome::sweep(); });
  (void)BufferHome::sweep();  // which may free a name
  constexpr std::size_t kElement = sizeof(rte_mbuf) + sizeof(BufferMeta);
  const auto free_mempool = [](rte_mempool* p) { rte_mempool_free(p); };
  std::unique_ptr<rte_mempool, decltype(free_mempool)> mempool(
      rte_mempool_create_empty(name_.c_str(), size_, static_cast<unsigned>(kElement + data_room_),
                               caches_.size(), sizeof(detail::PoolTag), options.socket, 0));
  rte_mempool* const mp = mempool.get();
  if (mp == nullptr && rte_errno == EEXIST)
    throw Error(
        fmt::format("{}: a mempool of that name exists (a destroyed pool keeps its name while its "
                    "buffers are out); choose another name",
                    tried));
  if (mp == nullptr) throw Error::from_code(tried, rte_errno, kMoreMemory);
  const char* ops = rte_mbuf_best_mempool_ops();
  if (int e = rte_mempool_set_ops_byname(mp, ops, nullptr); e != 0)
    throw Error::from_code(fmt::format("{} with mempool ops {}", tried, ops), e,
                           "install librte-meta-mempool");
  detail::PoolTag init{};
  init.pktmbuf.mbuf_data_room_size = data_room_;
  init.pktmbuf.mbuf_priv_size = sizeof(BufferMeta);
  rte_pktmbuf_pool_init(mp, &init.pktmbuf);
  auto* tag = static_cast<detail::PoolTag*>(rte_mempool_get_priv(mp));
  tag->instance = detail::library_instance.id;
  __atomic_store_n(&tag->pool, this, __ATOMIC_RELAXED);
  if (int e = rte_mempool_populate_default(mp); e < 0) {
    const double mib =
        static_cast<double>(size_) * static_cast<double>(kElement + data_room_) / 1048576.0;
    throw Error::from_code(fmt::format("{} ({:.0f} MiB)", tried, mib), e, kMoreMemory);
  }
  std::vector<const rte_mempool_memhdr*> chunks;
  rte_mempool_mem_iter(
      mp,
      [](rte_mempool*, void* all, rte_mempool_memhdr* chunk, unsigned) {
        static_cast<decltype(&chunks)>(all)->push_back(chunk);
      },
      &chunks);
  for (const rte_mempool_memhdr* chunk : chunks)
    detail::check_reach(name_, reinterpret_cast<std::uintptr_t>(chunk->addr), chunk->len);
  rte_mempool_obj_iter(mp, rte_pktmbuf_init, nullptr);
  LcoreCaches::close_all(*mp);
  // Not std::make_unique: `new` has the home's memory before the mempool is released.
  home_.reset(new BufferHome(mempool.release(), options.receives));
  mempool_ = mp;
  shared_ = ring_of(*mp);
  struct Init {
    BufferHome* home;
    bool receives;
  } each{home_.get(), options.receives};
  rte_mempool_obj_iter(
      mp,
      [](rte_mempool*, void* arg, void* object, unsigned index) {
        const auto& [home, receives] = *static_cast<const Init*>(arg);
        auto* m = static_cast<rte_mbuf*>(object);
        BufferMeta& meta = buffer_meta(m);
        meta = BufferMeta{};
        meta.home = home;
        meta.id = index;
        meta.is_free = true;
        if (!receives) detail::asan_poison(m->buf_addr, m->buf_len);
      },
      &each);
  enter_pool(this, name_);
  call_attention();  // lcores that already turn open their caches of it
}

BufferPool::~BufferPool() {
  leave_pools(this);
  if (detail::eal_is_there())
    __atomic_store_n(&detail::pool_tag(mempool())->pool, nullptr, __ATOMIC_RELAXED);
  BufferHome::leave(std::move(home_));
}

bool BufferPool::try_acquire(std::span<rte_mbuf*> out) noexcept {
  if (out.empty()) return true;  // the mempool's driver would call this a failure
  if (out.size() > size_) return false;
  if (waiters_.load(std::memory_order_relaxed) != 0) return false;
  auto** objects = reinterpret_cast<void**>(out.data());
  const auto n = static_cast<unsigned>(out.size());
  rte_mempool_cache* cache = rte_mempool_default_cache(mempool(), rte_lcore_id());
  const bool refills = cache == nullptr || cache->len < n;
  if (rte_mempool_generic_get(mempool(), objects, n, cache) < 0) {
    announce_need();
    return false;
  }
  if (refills) note_refill();
  for (rte_mbuf* m : out) prepare(m);
  return true;
}

void BufferPool::release(std::span<rte_mbuf* const> buffers) noexcept {
  // Runs of the same pool go back in one mempool operation, up to 64 at a time.
  std::array<void*, 64> run;
  unsigned n = 0;
  rte_mempool* mp = nullptr;
  rte_mempool_cache* cache = nullptr;
  const auto put = [&] {
    if (n > 0) BufferHome::put(mp, cache, std::span(run).first(n));
    n = 0;
  };
  for (rte_mbuf* m : buffers) {
    if (m == nullptr || !Shares<>::give_up(m)) continue;
    rte_mempool* const home = m->pool;
    if (n == run.size() || home != mp) put();
    mp = home;
    if (n == 0) cache = BufferHome::cache_of(mp);
    if (BufferHome::retire(m)) run[n++] = m;
  }
  put();
}

rte_mbuf* BufferPool::copy_of(const rte_mbuf* from) noexcept {
  std::uint32_t len = 0;
  for (const rte_mbuf* segment = from; segment != nullptr; segment = segment->next)
    if ((len += segment->data_len) > std::uint32_t{data_room_} - RTE_PKTMBUF_HEADROOM)
      return nullptr;
  rte_mbuf* m = try_acquire();
  if (m == nullptr) return nullptr;
  auto* to = rte_pktmbuf_mtod(m, std::uint8_t*);
  for (const rte_mbuf* segment = from; segment != nullptr; segment = segment->next) {
    std::memcpy(to, rte_pktmbuf_mtod(segment, const void*), segment->data_len);
    to += segment->data_len;
  }
  m->ol_flags = from->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
  m->packet_type = from->packet_type;
  m->port = from->port;
  m->vlan_tci = from->vlan_tci;
  m->vlan_tci_outer = from->vlan_tci_outer;
  m->hash = from->hash;
  m->tx_offload = from->tx_offload;
  std::memcpy(m->dynfield1, from->dynfield1, sizeof m->dynfield1);  // those that ol_flags announce
  m->pkt_len = len;
  m->data_len = static_cast<std::uint16_t>(len);
  return m;
}

void BufferPool::note_received(rte_mbuf* m) noexcept {
  for (; m != nullptr; m = m->next) {
    if (of(m) == nullptr) continue;
    buffer_meta(m).is_free = false;
    detail::asan_unpoison(m->buf_addr, m->buf_len);
  }
}

std::vector<BufferHolder> BufferPool::holders(std::size_t most) const {
  // A free mbuf looks like one that the NIC holds (refcnt 1). Therefore the free ones are noted
  // first: those in lcores' caches, which this thread can't take out, and the rest, which is read
  // in its ring or taken out and put back.
  std::vector<bool> is_free(size_, false);
  const auto note = [&is_free](void* object) {
    if (object != nullptr)  // null: an lcore's cache that is changing
      is_free[buffer_meta(static_cast<rte_mbuf*>(object)).id] = true;
  };
  rte_mempool* mp = mempool();
  for (unsigned lcore = 0; lcore < RTE_MAX_LCORE; ++lcore)
    if (const rte_mempool_cache* cache = rte_mempool_default_cache(mp, lcore))
      for (std::uint32_t i = 0; i < cache->len; ++i) note(cache->objs[i]);
  std::vector<void*> taken;
  void* object;
  if (!peek(shared_, note))
    while (rte_mempool_generic_get(mp, &object, 1, nullptr) == 0) {
      note(object);
      taken.push_back(object);
    }
  struct Walk {
    BufferHome* home;
    const std::vector<bool>* is_free;
    std::vector<BufferHolder> found;
    std::size_t most;
  } walk{home_.get(), &is_free, {}, most};
  rte_mempool_obj_iter(
      mp,
      [](rte_mempool*, void* arg, void* each, unsigned) {
        auto& w = *static_cast<Walk*>(arg);
        auto* m = static_cast<rte_mbuf*>(each);
        const std::uint32_t id = buffer_meta(m).id;
        if ((*w.is_free)[id] || w.found.size() >= w.most) return;
        BufferHolder holder{m, id, Shares<>::count(m), {}};
        for (unsigned lcore = 0; lcore < RTE_MAX_LCORE; ++lcore)
          if (w.home->account(lcore, id).handles > 0) holder.lcores.push_back(lcore);
        w.found.push_back(std::move(holder));
      },
      &walk);
  for (void* each : taken) rte_mempool_generic_put(mp, &each, 1, nullptr);
  return std::move(walk.found);
}

BufferPoolStats BufferPool::stats() const {
  assert(!detail::eal_is_a_parents() && "a pool was used in a child of fork()");
  BufferPoolStats s;
  s.total = size_;
  s.free = available();
  s.detached = home_->detached();
  s.waiting = waiters_.load(std::memory_order_relaxed);
  s.most_out = most_out_.load(std::memory_order_relaxed);
  for (unsigned lcore = 0; lcore < RTE_MAX_LCORE; ++lcore)
    if (const rte_mempool_cache* cache = rte_mempool_default_cache(mempool(), lcore))
      if (const std::uint32_t n = cache->len; n > 0) s.cached.emplace_back(lcore, n);
  return s;
}

unsigned BufferPool::shared_count() const noexcept {
  return shared_ != nullptr ? detail::ring_count(*shared_)
                            : rte_mempool_get_ops(mempool_->ops_index)->get_count(mempool_);
}

void BufferPool::note_refill() noexcept {
  assert(!detail::eal_is_a_parents() && "a pool was used in a child of fork()");
  const std::uint32_t out = size_ - std::min(size_, shared_count());
  std::uint32_t most = most_out_.load(std::memory_order_relaxed);
  while (most < out && !most_out_.compare_exchange_weak(most, out, std::memory_order_relaxed)) {
  }
}

BufferPool::Turn BufferPool::turns_[RTE_MAX_LCORE];
std::atomic<std::uint64_t> BufferPool::attention_{0};

/// R1: pairs with A1 (relieve()): an lcore that sees the call for attention sees its cause.
void BufferPool::call_attention() noexcept {
  attention_.fetch_add(kEvent, std::memory_order_release);
}

void BufferPool::announce_need() noexcept {
  caches_.announce(rte_lcore_id());
  call_attention();
}

std::optional<std::uint64_t> BufferPool::line_up() noexcept {
  const std::optional<std::uint64_t> ticket = line_.try_take();
  // Relaxed: a hint for relieve() and try_acquire(), which look again in every turn.
  // R1: pairs with A1 (relieve()).
  if (ticket && waiters_.fetch_add(1, std::memory_order_relaxed) == 0)
    attention_.fetch_add(1, std::memory_order_release);
  return ticket;
}

void BufferPool::leave_line(std::uint64_t ticket) noexcept {
  if (waiters_.fetch_sub(1, std::memory_order_relaxed) == 1)
    // R1: pairs with A1 (relieve()).
    attention_.fetch_sub(1, std::memory_order_release);
  line_.leave(ticket);
}

void BufferPool::relieve_all(unsigned lcore) noexcept {
  // A1: pairs with R1 (call_attention(), line_up(), leave_line()).
  const std::uint64_t attention = attention_.load(std::memory_order_acquire);
  const std::uint64_t now = rte_rdtsc();
  bool settled = attention % kEvent == 0;
  for_each_pool([&](BufferPool& pool) {
    settled &= pool.caches_.turned(*pool.mempool(), lcore, pool.awaited(), now);
  });
  turns_[lcore].seen = settled ? attention : Turn::kNothing;
}

void BufferPool::empty_caches() noexcept {
  const unsigned lcore = rte_lcore_id();
  if (lcore >= RTE_MAX_LCORE) return;
  {
    const std::lock_guard lock(going());
    for_each_pool([&](BufferPool& pool) { pool.caches_.close(*pool.mempool(), lcore); });
  }
  turns_[lcore].seen = Turn::kNothing;
  call_attention();  // an lcore may have waited for this one's place
}

}  // namespace bab
