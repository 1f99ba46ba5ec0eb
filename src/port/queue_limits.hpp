#pragma once

#include <cstdint>

#include <rte_ethdev.h>

namespace bab::detail {

/// The queues that a device really has.
struct QueueLimits {
  std::uint16_t rx, tx;
  bool driver_says_more;  ///< the driver reports more, wrongly
};

/// The driver's report, corrected for NICs that are known to have fewer queues.
QueueLimits queue_limits(const rte_eth_dev_info& info);

}  // namespace bab::detail
