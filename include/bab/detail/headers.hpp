#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <bab/detail/build.hpp>
#include <bab/detail/dpdk/release.hpp>

namespace bab::detail {

/// What code in headers must have in common with the library, as it is in the translation unit that
/// names kHeaders.
struct Headers {
  const char* version;
  bool checks;
  bool asan;
  bool tsan;
  unsigned dpdk_release;  ///< as kDpdkRelease
  // Macros change these sizes of DPDK's and the standard library's types.
  std::size_t mempool_bytes;
  std::size_t mempool_cache_bytes;
  std::size_t mbuf_bytes;
  std::size_t cache_line_bytes;
  std::size_t headroom_bytes;
  std::size_t lcores;
  std::size_t string_bytes;
  std::size_t vector_bytes;
};

// Each translation unit has its own, which says how that unit was compiled.
constexpr Headers kHeaders{.version = BAB_LIBRARY_VERSION,
                           .checks = BAB_LIBRARY_CHECKS != 0,
                           .asan = BAB_LIBRARY_ASAN != 0,
                           .tsan = BAB_LIBRARY_TSAN != 0,
                           .dpdk_release = kDpdkRelease,
                           .mempool_bytes = sizeof(rte_mempool),
                           .mempool_cache_bytes = sizeof(rte_mempool_cache),
                           .mbuf_bytes = sizeof(rte_mbuf),
                           .cache_line_bytes = RTE_CACHE_LINE_SIZE,
                           .headroom_bytes = RTE_PKTMBUF_HEADROOM,
                           .lcores = RTE_MAX_LCORE,
                           .string_bytes = sizeof(std::string),
                           .vector_bytes = sizeof(std::vector<int>)};

/// Throws Error if they differ from those of the library that runs.
void check_headers(const Headers& headers);

}  // namespace bab::detail
