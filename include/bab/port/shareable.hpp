#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string_view>

namespace bab {

/// Checks that a bus may send on a port that its host application configured. A driver with
/// RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE returns sent mbufs to a pool without a look at their share
/// counts, or at the pool that they belong to: messages that are still being read would be
/// overwritten. Throws Error, which names the port and the mend, when the port or one of its TX
/// queues has this offload. Call it after rte_eth_dev_configure and the set-up of the queues; not
/// on the data path. Any thread.
void require_shareable(std::uint16_t port_id);

/// The same for the configured RTE_ETH_TX_OFFLOAD_* in `tx_offloads`; `where` begins the sentence.
void require_shareable(std::string_view where, std::uint64_t tx_offloads);

}  // namespace bab
