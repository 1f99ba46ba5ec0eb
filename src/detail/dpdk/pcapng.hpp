#pragma once

// A file that includes this header defines ALLOW_EXPERIMENTAL_API first: rte_pcapng's functions are
// stable only since DPDK 23.11.

#include <cerrno>
#include <cstdint>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pcapng.h>
#include <rte_version.h>

namespace bab::detail {

/// Copies a frame as an Enhanced Packet Block, into a buffer of `pool`; null: no buffer is free.
/// The caller sets the block's time, in TSC ticks since DPDK 23.11, in nanoseconds before. (DPDK
/// 23.03 added a comment to rte_pcapng_copy()'s parameters, and 23.11 removed the time `tsc`.)
inline rte_mbuf* pcapng_copy(std::uint16_t port, std::uint16_t queue, const rte_mbuf* frame,
                             rte_mempool* pool, std::uint32_t most_bytes,
                             [[maybe_unused]] std::uint64_t tsc,
                             rte_pcapng_direction direction) noexcept {
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
  return rte_pcapng_copy(port, queue, frame, pool, most_bytes, direction, nullptr);
#elif RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
  return rte_pcapng_copy(port, queue, frame, pool, most_bytes, tsc, direction, nullptr);
#else
  return rte_pcapng_copy(port, queue, frame, pool, most_bytes, tsc, direction);
#endif
}

/// Writes a port's Interface Description Block. Returns 0 or an errno value. Up to DPDK 22.11 the
/// opening of the file writes those of all ports, in the order of their numbers. Since 25.11 the
/// call also gives the type of the port's frames.
inline int pcapng_add_interface([[maybe_unused]] rte_pcapng_t* file,
                                [[maybe_unused]] std::uint16_t port) noexcept {
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
  errno = 0;
#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
  const int wrote = rte_pcapng_add_interface(file, port, DLT_EN10MB, nullptr, nullptr, nullptr);
#else
  const int wrote = rte_pcapng_add_interface(file, port, nullptr, nullptr, nullptr);
#endif
  if (wrote < 0) return errno != 0 ? errno : ENODEV;  // a port that doesn't say what it is
#endif
  return 0;
}

}  // namespace bab::detail
