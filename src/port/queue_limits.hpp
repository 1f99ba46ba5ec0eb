#pragma once

#include <cstdint>

#include <rte_ethdev.h>

namespace bab::detail {

/// Queues that a device has.
struct QueueLimits {
  std::uint16_t rx, tx;
  bool driver_says_more;  ///< and is wrong
};

QueueLimits queue_limits(const rte_eth_dev_info& info);

}  // namespace bab::detail
