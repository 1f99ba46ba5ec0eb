#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <span>

#include <bab/base/drops.hpp>
#include <bab/wire/checksum.hpp>
#include <bab/wire/endian.hpp>
#include <bab/wire/ethernet.hpp>
#include <bab/wire/ipv4_udp.hpp>
#include <bab/wire/moldudp64.hpp>

namespace bab::wire {

/// Which checksums to compute here; those a NIC has found good need not be.
struct ChecksumRules {
  bool verify_ip = true;
  bool verify_udp = true;  ///< where there is one: 0 means none (RFC 768)
};

struct ParsedFrame {
  MoldHeader mold;
  std::span<const std::uint8_t> blocks;  ///< mold.messages() blocks, which end exactly at its end
};

/// Validates a whole frame from its destination MAC on and fills `out`; any reason but kNone means that
/// nothing of it may be used. Accepted beside the plain form: one 802.1Q tag of any id, IPv4 options,
/// Ethernet padding behind the IP packet, any address and port. `udp_port` 0 takes every destination
/// port.
[[nodiscard]] inline Drop parse_frame(std::span<const std::uint8_t> frame,
                                      const ChecksumRules& rules, std::uint16_t udp_port,
                                      ParsedFrame& out) noexcept {
  const std::uint8_t* at = frame.data();
  std::size_t left = frame.size();
  if (left < kEthernetBytes) return Drop::kTruncated;
  std::uint16_t ether_type = load_be<std::uint16_t>(at + 12);
  at += kEthernetBytes;
  left -= kEthernetBytes;
  if (ether_type == kEtherTypeVlan) {
    if (left < kVlanBytes) return Drop::kTruncated;
    ether_type = load_be<std::uint16_t>(at + 2);
    at += kVlanBytes;
    left -= kVlanBytes;
  }
  if (ether_type != kEtherTypeIpv4) return Drop::kNotIp;

  const std::uint8_t* ip = at;
  if (left < kIpv4Bytes) return Drop::kTruncated;
  const std::size_t ihl = (ip[Ipv4Offset::kVersionIhl] & 0xfU) * 4U;
  const std::size_t ip_len = load_be<std::uint16_t>(ip + Ipv4Offset::kTotalLength);
  if (ip[Ipv4Offset::kVersionIhl] >> 4 != 4 || ihl < kIpv4Bytes || ip_len < ihl)
    return Drop::kBadIpHeader;
  if (left < ip_len) return Drop::kTruncated;
  if (rules.verify_ip && !sums_up(sum_bytes(ip, ihl))) return Drop::kBadIpChecksum;
  if ((load_be<std::uint16_t>(ip + Ipv4Offset::kFragment) & kIpv4MoreFragmentsOrOffset) != 0)
    return Drop::kIpFragment;
  if (ip[Ipv4Offset::kProtocol] != kProtocolUdp) return Drop::kNotUdp;

  const std::uint8_t* udp = ip + ihl;
  const std::size_t udp_room = ip_len - ihl;
  if (udp_room < kUdpBytes) return Drop::kTruncated;
  const auto udp_len = load_be<std::uint16_t>(udp + UdpOffset::kLength);
  // The lengths must agree: a datagram that is shorter than its packet hides bytes, a longer one lies.
  if (udp_len != udp_room) return Drop::kBadUdpLength;
  if (rules.verify_udp && load_be<std::uint16_t>(udp + UdpOffset::kChecksum) != 0 &&
      !sums_up(pseudo_header_sum(ip, udp_len) + sum_bytes(udp, udp_len)))
    return Drop::kBadUdpChecksum;
  if (udp_port != 0 && load_be<std::uint16_t>(udp + UdpOffset::kDestination) != udp_port)
    return Drop::kOtherPort;

  const std::uint8_t* mold = udp + kUdpBytes;
  const std::size_t mold_len = udp_len - kUdpBytes;
  if (mold_len < kMoldBytes) return Drop::kMalformed;
  out.mold = load_mold(mold);
  out.blocks = {mold + kMoldBytes, mold_len - kMoldBytes};
  return blocks_fit(out.blocks, out.mold.messages()) ? Drop::kNone : Drop::kMalformed;
}

}  // namespace bab::wire
