#pragma once

#include <cstdint>

#include <rte_ethdev.h>
#include <rte_version.h>

namespace bab::detail {

/// Whether the device is a member of a net_bonding device's. It is from that device's configuration
/// on, or from where a program made it one. DPDK 23.11 renamed slaves to members.
inline bool is_bonding_member(const rte_eth_dev_info& device) noexcept {
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
  constexpr std::uint32_t kMember = RTE_ETH_DEV_BONDING_MEMBER;
#else
  constexpr std::uint32_t kMember = RTE_ETH_DEV_BONDED_SLAVE;
#endif
  return device.dev_flags != nullptr && (*device.dev_flags & kMember) != 0;
}

}  // namespace bab::detail
