#include "peer_address.hpp"

#include <algorithm>

#include <bab/wire/endian.hpp>

namespace testbab {

using namespace bab::wire;

PeerAddress PeerAddress::of(const std::uint8_t* frame, std::optional<std::uint16_t> tci) noexcept {
  constexpr std::size_t kSourceMac = 6, kEtherType = 12;
  constexpr std::uint16_t kVlanMask = 0xfff;
  PeerAddress from;
  std::copy_n(frame + kSourceMac, from.mac.size(), from.mac.begin());
  const std::uint8_t* ip = frame + kEthernetBytes;
  if (load_be<std::uint16_t>(frame + kEtherType) == kEtherTypeVlan) {
    tci = load_be<std::uint16_t>(ip);
    ip += kVlanBytes;
  }
  if (const std::uint16_t vlan = tci.value_or(kUntagged) & kVlanMask; vlan <= kVlanIdMax)
    from.vlan = vlan;
  from.ip = load_be<std::uint32_t>(ip + Ipv4Offset::kSource);
  from.our_ip = load_be<std::uint32_t>(ip + Ipv4Offset::kDestination);
  const std::uint8_t* udp = ip + (ip[Ipv4Offset::kVersionIhl] & 0xfU) * 4U;
  from.port = load_be<std::uint16_t>(udp + UdpOffset::kSource);
  from.our_port = load_be<std::uint16_t>(udp + UdpOffset::kDestination);
  return from;
}

FrameHeader PeerAddress::header(FrameHeaderOptions ours) const noexcept {
  ours.destination_mac = mac;
  ours.destination_ip = ip;
  ours.destination_port = port;
  constexpr std::uint32_t kBroadcast = 0xffffffff;
  if (!is_multicast(our_ip) && our_ip != kBroadcast) ours.source_ip = our_ip;
  ours.source_port = our_port;
  if (vlan != kUntagged) ours.vlan_id = vlan;
  return FrameHeader(ours);
}

}  // namespace testbab
