#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <bab/base/drops.hpp>
#include <bab/wire/endian.hpp>
#include <bab/wire/ethernet.hpp>
#include <bab/wire/ipv4_udp.hpp>

/// Finds the headers in a frame. These functions read only bytes of the frame. They verify no
/// checksum and don't compare the headers' lengths with each other: parse_frame() does.
namespace bab::wire {

/// Whether the EtherType announces an 802.1Q tag. The frame may end before the tag does.
[[nodiscard]] inline bool has_tag(std::span<const std::uint8_t> frame) noexcept {
  return frame.size() >= kEthernetBytes &&
         load_be<std::uint16_t>(frame.data() + kEtherTypeAt) == kEtherTypeVlan;
}

/// The frame's 802.1Q tag: priority, DEI and VLAN id (the lower 12 bits). None: the frame has no
/// tag, or ends before the tag does.
[[nodiscard]] inline std::optional<std::uint16_t> tag_of(
    std::span<const std::uint8_t> frame) noexcept {
  if (!has_tag(frame) || frame.size() < kEthernetBytes + kVlanBytes) return std::nullopt;
  return load_be<std::uint16_t>(frame.data() + kEthernetBytes);
}

/// An IPv4 packet in a frame.
struct Ipv4Place {
  const std::uint8_t* header;
  std::size_t header_bytes;  ///< of the header with its options: 20 … 60
  std::size_t packet_bytes;  ///< the header's total length: at least header_bytes; the frame may
                             ///< hold more bytes or fewer
  std::size_t there;         ///< bytes from the header to the frame's end: at least 20

  /// Bytes of the packet behind its header that the frame holds. Negative: the frame ends before
  /// the header's options do.
  [[nodiscard]] std::ptrdiff_t payload_there() const noexcept {
    return static_cast<std::ptrdiff_t>(std::min(packet_bytes, there)) -
           static_cast<std::ptrdiff_t>(header_bytes);
  }
};

/// Finds the IPv4 header behind an Ethernet header and at most one 802.1Q tag. Returns Drop::kNone,
/// or the reason why there is no usable one; `out` is not set then.
[[nodiscard]] inline Drop locate_ipv4(std::span<const std::uint8_t> frame,
                                      Ipv4Place& out) noexcept {
  const std::uint8_t* at = frame.data();
  std::size_t left = frame.size();
  if (left < kEthernetBytes) return Drop::kTruncated;
  std::uint16_t ether_type = load_be<std::uint16_t>(at + kEtherTypeAt);
  at += kEthernetBytes;
  left -= kEthernetBytes;
  if (ether_type == kEtherTypeVlan) {
    if (left < kVlanBytes) return Drop::kTruncated;
    ether_type = load_be<std::uint16_t>(at + 2);
    at += kVlanBytes;
    left -= kVlanBytes;
  }
  if (ether_type != kEtherTypeIpv4) return Drop::kNotIp;
  if (left < kIpv4Bytes) return Drop::kTruncated;
  const std::size_t header_bytes = (at[Ipv4Offset::kVersionIhl] & 0xfU) * 4U;
  const std::size_t packet_bytes = load_be<std::uint16_t>(at + Ipv4Offset::kTotalLength);
  if (at[Ipv4Offset::kVersionIhl] >> 4 != 4 || header_bytes < kIpv4Bytes ||
      packet_bytes < header_bytes)
    return Drop::kBadIpHeader;
  out = {at, header_bytes, packet_bytes, left};
  return Drop::kNone;
}

/// The packets in which locate_udp() finds a UDP header.
enum class UdpIn : std::uint16_t {
  kWholeDatagrams = kIpv4MoreFragmentsOrOffset,  ///< no fragments
  kFirstFragments = kIpv4Offset,                 ///< whole datagrams, and first fragments
};

/// Finds the UDP header of the packet. Returns Drop::kNone, or the reason why there is no whole
/// one; `udp` is not set then.
[[nodiscard]] inline Drop locate_udp(const Ipv4Place& ip, UdpIn which,
                                     const std::uint8_t*& udp) noexcept {
  if ((load_be<std::uint16_t>(ip.header + Ipv4Offset::kFragment) &
       static_cast<std::uint16_t>(which)) != 0)
    return Drop::kIpFragment;
  if (ip.header[Ipv4Offset::kProtocol] != kProtocolUdp) return Drop::kNotUdp;
  if (ip.payload_there() < std::ptrdiff_t{kUdpBytes}) return Drop::kTruncated;
  udp = ip.header + ip.header_bytes;
  return Drop::kNone;
}

/// Offset of the UDP header in a frame with plain headers.
inline constexpr std::size_t kPlainUdpAt = kEthernetBytes + kIpv4Bytes;

/// Whether the frame has plain headers up to a whole UDP header, as nearly all frames have: no
/// 802.1Q tag, no IPv4 options, no later fragment. Lengths in the headers aren't compared with
/// anything: locate_ipv4() and locate_udp() do that.
[[nodiscard]] inline bool has_plain_udp(std::span<const std::uint8_t> frame) noexcept {
  constexpr std::uint8_t kVersion4Ihl5 = 0x45;  // RFC 791 §3.1: 5 words of 4 bytes
  if (frame.size() < kPlainUdpAt + kUdpBytes) return false;
  const std::uint8_t* const ip = frame.data() + kEthernetBytes;
  return load_be<std::uint16_t>(frame.data() + kEtherTypeAt) == kEtherTypeIpv4 &&
         ip[Ipv4Offset::kVersionIhl] == kVersion4Ihl5 &&
         ip[Ipv4Offset::kProtocol] == kProtocolUdp &&
         (load_be<std::uint16_t>(ip + Ipv4Offset::kFragment) & kIpv4Offset) == 0;
}

}  // namespace bab::wire
