#pragma once

#include <cstdint>

#include <rte_mempool.h>
#include <rte_version.h>

namespace bab::detail {

/// How many objects an lcore's cache may hold, for DPDK's functions and for ours: its
/// `flushthresh`. DPDK's functions don't read that since DPDK 26.07; then it is `size`, up to which
/// a cache is also filled.
inline std::uint32_t& cache_bound(rte_mempool_cache& cache) noexcept {
#if RTE_VERSION >= RTE_VERSION_NUM(26, 7, 0, 0)
  return cache.size;
#else
  return cache.flushthresh;
#endif
}

}  // namespace bab::detail
