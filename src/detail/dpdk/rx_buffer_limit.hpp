#pragma once

#include <cstdint>
#include <limits>

#include <rte_ethdev.h>
#include <rte_version.h>

namespace bab::detail {

/// The most bytes of one receive buffer, headroom not included, that the device uses; 0: it doesn't
/// say (none does before DPDK 23.11).
inline std::uint32_t rx_buffer_limit([[maybe_unused]] const rte_eth_dev_info& device) noexcept {
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
  if (device.max_rx_bufsize != std::numeric_limits<std::uint32_t>::max())
    return device.max_rx_bufsize;
#endif
  return 0;
}

}  // namespace bab::detail
