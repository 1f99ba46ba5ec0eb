#pragma once

#include <cstdint>

#include <rte_mbuf.h>
#include <rte_mempool.h>

namespace bab::detail {

/// Tells this copy of the library in this process from all others: pointers in the memory that a
/// secondary process shares, or a plugin with a bab of its own, are not for us.
struct LibraryInstance {
  LibraryInstance() noexcept;
  std::uint64_t id;
};
extern const LibraryInstance library_instance;

/// A pool's mempool says by it whose it is. rte_pktmbuf reads the first part of a mempool's private
/// data.
struct alignas(RTE_MEMPOOL_ALIGN) PoolTag {  // rte_mempool rounds its size up to this
  rte_pktmbuf_pool_private pktmbuf;
  std::uint64_t instance;
  void* pool;  ///< the BufferPool; null when it went and some of its buffers are out
};

/// Null: the mempool is not of a pool of ours.
inline PoolTag* pool_tag(const rte_mempool* mp) noexcept {
  if (mp->private_data_size != sizeof(PoolTag)) return nullptr;
  auto* tag = static_cast<PoolTag*>(rte_mempool_get_priv(const_cast<rte_mempool*>(mp)));
  return tag->instance == library_instance.id ? tag : nullptr;
}

}  // namespace bab::detail
