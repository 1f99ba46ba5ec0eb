#pragma once

#include <cstdint>

#include <rte_ethdev.h>

namespace bab::detail {

/// What a device says that it can do. Throws Error.
rte_eth_dev_info device_info(std::uint16_t id);

/// A NIC's driver has its own idea of sizes; what is made of software has none, and its start may
/// be seen: a file is read, a peer connects.
bool is_nic(const rte_eth_dev_info& info);

}  // namespace bab::detail
