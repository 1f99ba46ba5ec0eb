#include "peer_address.hpp"

#include <algorithm>

#include <bab/wire/locate_udp.hpp>

namespace testbab {

using namespace bab::wire;

PeerAddress PeerAddress::of(std::span<const std::uint8_t> frame,
                            std::optional<std::uint16_t> tci) noexcept {
  constexpr std::size_t kSourceMac = 6;
  PeerAddress from;
  Ipv4Place ip;
  const std::uint8_t* udp;
  if (locate_ipv4(frame, ip) != bab::Drop::kNone ||
      locate_udp(ip, UdpIn::kWholeDatagrams, udp) != bab::Drop::kNone)
    return from;
  std::copy_n(frame.data() + kSourceMac, from.mac.size(), from.mac.begin());
  if (const auto tag = tag_of(frame)) tci = tag;
  if (const std::uint16_t vlan = tci.value_or(kUntagged) & kVlanIdMask; vlan <= kVlanIdMax)
    from.vlan = vlan;
  from.ip = load_be<std::uint32_t>(ip.header + Ipv4Offset::kSource);
  from.our_ip = load_be<std::uint32_t>(ip.header + Ipv4Offset::kDestination);
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
