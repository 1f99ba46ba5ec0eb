#pragma once

#include <cstdint>

#include <rte_mbuf.h>

#include <bab/wire/frame_header.hpp>

namespace bab::detail {

/// What a frame's mbuf asks of the device that sends it.
struct TxRequests {
  std::uint64_t flags = 0;  ///< RTE_MBUF_F_TX_*; 0: nothing
  std::uint16_t vlan_tci = 0;
};

/// What frames with this header ask for.
inline TxRequests tx_requests(const wire::FrameHeader& header) noexcept {
  TxRequests r;
  if (header.ip_checksum_by() == wire::ChecksumBy::kDevice)
    r.flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
  if (header.udp_checksum_by() == wire::ChecksumBy::kDevice)
    r.flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM;
  if (const auto tag = header.device_tag()) {
    r.flags |= RTE_MBUF_F_TX_VLAN;
    r.vlan_tci = *tag;
  }
  return r;
}

}  // namespace bab::detail
