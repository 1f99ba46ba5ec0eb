#pragma once

#include <cstdint>
#include <limits>

#include <rte_ethdev.h>
#include <rte_version.h>

namespace bab::detail {

/// How many bytes of one receive buffer the device uses at most, without the headroom. 0: the
/// device doesn't say (before DPDK 23.11 none does).
inline std::uint32_t rx_buffer_limit([[maybe_unused]] const rte_eth_dev_info& device) noexcept {
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
  if (device.max_rx_bufsize != std::numeric_limits<std::uint32_t>::max())
    return device.max_rx_bufsize;
#endif
  return 0;
}

}  // namespace bab::detail
