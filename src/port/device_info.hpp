#pragma once

#include <cstdint>

#include <rte_ethdev.h>

namespace bab::detail {

/// What a device says that it can do. Throws Error.
rte_eth_dev_info device_info(std::uint16_t id);

}  // namespace bab::detail
