#pragma once

#include <cstdint>

#include <rte_mbuf.h>
#include <rte_mempool.h>

namespace bab::detail {

/// Distinguishes this copy of the library in this process from all others. Pointers in memory that
/// a secondary process, or a plugin with its own bab, shares with us are not for us.
struct LibraryInstance {
  LibraryInstance() noexcept;
  std::uint64_t id;
};
extern const LibraryInstance library_instance;

/// Says to which pool a mempool belongs, in the mempool's private data. rte_pktmbuf reads the first
/// part of that.
struct alignas(RTE_MEMPOOL_ALIGN) PoolTag {  // rte_mempool rounds its size up to this
  rte_pktmbuf_pool_private pktmbuf;
  std::uint64_t instance;
  void* pool;  ///< the BufferPool; null: it was destroyed while buffers were out
};

/// Null: the mempool belongs to no pool of ours.
inline PoolTag* pool_tag(const rte_mempool* mp) noexcept {
  if (mp->private_data_size != sizeof(PoolTag)) return nullptr;
  auto* tag = static_cast<PoolTag*>(rte_mempool_get_priv(const_cast<rte_mempool*>(mp)));
  return tag->instance == library_instance.id ? tag : nullptr;
}

}  // namespace bab::detail
