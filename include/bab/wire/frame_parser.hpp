#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <span>

#include <bab/base/drops.hpp>
#include <bab/wire/checksum.hpp>
#include <bab/wire/endian.hpp>
#include <bab/wire/ipv4_udp.hpp>
#include <bab/wire/locate_udp.hpp>
#include <bab/wire/moldudp64.hpp>

namespace bab::wire {

/// Which checksums parse_frame() verifies. A checksum that the NIC has found good need not be
/// verified again.
struct ChecksumRules {
  bool verify_ip = true;
  bool verify_udp = true;  ///< a UDP checksum of 0 means none (RFC 768) and always passes
};

struct ParsedFrame {
  MoldHeader mold;
  std::span<const std::uint8_t>
      blocks;  ///< mold.messages() whole blocks; nothing follows the last one
};

/// Validates a frame, which begins with the destination MAC address, and fills `out`. Returns
/// Drop::kNone, or the reason why the frame is not valid; `out` must not be used then. Valid forms
/// include one 802.1Q tag with any VLAN id, IPv4 options, Ethernet padding behind the IP packet,
/// and any address. `udp_port`: the destination port that a frame must have; 0: any.
[[nodiscard]] inline Drop parse_frame(std::span<const std::uint8_t> frame,
                                      const ChecksumRules& rules, std::uint16_t udp_port,
                                      ParsedFrame& out) noexcept {
  Ipv4Place ip;
  if (const Drop reason = locate_ipv4(frame, ip); reason != Drop::kNone) return reason;
  if (ip.there < ip.packet_bytes) return Drop::kTruncated;
  ip.there = ip.packet_bytes;  // the rest is Ethernet padding
  if (rules.verify_ip && !sums_up(sum_bytes(ip.header, ip.header_bytes)))
    return Drop::kBadIpChecksum;
  const std::uint8_t* udp;
  if (const Drop reason = locate_udp(ip, UdpIn::kWholeDatagrams, udp); reason != Drop::kNone)
    return reason;
  // The UDP length must be that of the IP payload: a shorter one would hide bytes, a longer one
  // would promise bytes that aren't there.
  const auto udp_len = static_cast<std::uint16_t>(ip.payload_there());
  if (load_be<std::uint16_t>(udp + UdpOffset::kLength) != udp_len) return Drop::kBadUdpLength;
  if (rules.verify_udp && load_be<std::uint16_t>(udp + UdpOffset::kChecksum) != 0 &&
      !sums_up(pseudo_header_sum(ip.header, udp_len) + sum_bytes(udp, udp_len)))
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
