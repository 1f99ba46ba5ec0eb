#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string_view>

namespace bab {

/// Whether a bus may send on a port that its host application configured. A driver with
/// RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE puts sent mbufs back into a pool without looking at their
/// shares, or at which pool is theirs: messages still being read would be overwritten. Throws
/// Error, naming port and mend, where the port or one of its TX queues has it. After
/// rte_eth_dev_configure and the queues' set-up; cold.
void require_shareable(std::uint16_t port_id);

/// The rule itself, on what was configured: RTE_ETH_TX_OFFLOAD_*; `where` begins the sentence.
void require_shareable(std::string_view where, std::uint64_t tx_offloads);

}  // namespace bab
