#pragma once

#include <cstdint>

#include <rte_ethdev.h>

namespace bab::detail {

/// The capabilities that a device reports. Throws Error.
rte_eth_dev_info device_info(std::uint16_t id);

/// Whether the device is a NIC and not a virtual device. A NIC's driver has rules of its own for
/// buffer sizes; a virtual device has none, and a start of it can have effects outside: a file is
/// read, a peer connects.
bool is_nic(const rte_eth_dev_info& info);

}  // namespace bab::detail
