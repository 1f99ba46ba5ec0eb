#include <bab/wire/frame_header.hpp>

#include <algorithm>
#include <string>

#include <bab/base/error.hpp>

namespace bab::wire {

FrameHeader::FrameHeader(const FrameHeaderOptions& o)
    : ip_by_(o.ip_checksum == ChecksumBy::kNone ? ChecksumBy::kSoftware : o.ip_checksum),
      udp_by_(o.udp_checksum) {
  if (o.vlan_id && *o.vlan_id > kVlanIdMax)
    throw Error("a frame header with VLAN id " + std::to_string(*o.vlan_id) + "; it takes 0 to " +
                std::to_string(kVlanIdMax));
  if (ip_by_ == ChecksumBy::kDevice) tx_flags_ |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
  if (udp_by_ == ChecksumBy::kDevice) tx_flags_ |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM;
  std::uint8_t* at = template_.data();
  at = std::copy(o.destination_mac.begin(), o.destination_mac.end(), at);
  at = std::copy(o.source_mac.begin(), o.source_mac.end(), at);
  if (o.vlan_tag == TagBy::kDevice) {
    if (o.vlan_id) tx_flags_ |= RTE_MBUF_F_TX_VLAN;
    device_tci_ = o.vlan_id.value_or(0);
  } else if (o.vlan_id) {
    store_be(at, kEtherTypeVlan);
    store_be<std::uint16_t>(at + 2, *o.vlan_id);
    at += kVlanBytes;
  }
  store_be(at, kEtherTypeIpv4);
  at += 2;

  ip_ = static_cast<std::uint16_t>(at - template_.data());
  at[Ipv4Offset::kVersionIhl] = 0x45;
  store_be(at + Ipv4Offset::kFragment, kIpv4DontFragment);
  at[Ipv4Offset::kTtl] = o.ttl;
  at[Ipv4Offset::kProtocol] = kProtocolUdp;
  store_be(at + Ipv4Offset::kSource, o.source_ip);
  store_be(at + Ipv4Offset::kDestination, o.destination_ip);
  ip_sum_ = sum_bytes(at, kIpv4Bytes);
  at += kIpv4Bytes;

  store_be(at + UdpOffset::kSource, o.source_port);
  store_be(at + UdpOffset::kDestination, o.destination_port);
  at += kUdpBytes;

  store_mold(at, {o.session, 0, 0});
  at += kMoldBytes;
  size_ = static_cast<std::uint16_t>(at - template_.data());
}

}  // namespace bab::wire
