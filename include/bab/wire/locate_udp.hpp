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

/// Where a frame's headers stand. What is read here lies inside the frame; checksums and the
/// lengths in the headers are for the caller to compare with what it knows (parse_frame()).
namespace bab::wire {

/// Whether the frame has an 802.1Q tag, or begins one: its EtherType says so.
[[nodiscard]] inline bool has_tag(std::span<const std::uint8_t> frame) noexcept {
  return frame.size() >= kEthernetBytes &&
         load_be<std::uint16_t>(frame.data() + kEtherTypeAt) == kEtherTypeVlan;
}

/// The frame's 802.1Q tag: priority, DEI and VLAN id (the lower 12 bits). None: it has no whole
/// one.
[[nodiscard]] inline std::optional<std::uint16_t> tag_of(
    std::span<const std::uint8_t> frame) noexcept {
  if (!has_tag(frame) || frame.size() < kEthernetBytes + kVlanBytes) return std::nullopt;
  return load_be<std::uint16_t>(frame.data() + kEthernetBytes);
}

/// An IPv4 packet in a frame.
struct Ipv4Place {
  const std::uint8_t* header;
  std::size_t header_bytes;  ///< with its options: 20 … 60
  std::size_t packet_bytes;  ///< as it says of itself, at least header_bytes; may be more or less
                             ///< than there are
  std::size_t there;         ///< bytes of the frame from the header on, at least 20

  /// Bytes of the packet behind its header that are in the frame. Negative: of the header's options
  /// some aren't.
  [[nodiscard]] std::ptrdiff_t payload_there() const noexcept {
    return static_cast<std::ptrdiff_t>(std::min(packet_bytes, there)) -
           static_cast<std::ptrdiff_t>(header_bytes);
  }
};

/// Finds the IPv4 header behind an Ethernet header and at most one 802.1Q tag. Not kNone: there is
/// none to be used.
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

/// Which packets have a UDP header that locate_udp() finds.
enum class UdpIn : std::uint16_t {
  kWholeDatagrams = kIpv4MoreFragmentsOrOffset,  ///< no fragments
  kFirstFragments = kIpv4Offset,                 ///< those, and the first fragment of others
};

/// Finds the whole UDP header of the packet. Not kNone: there is none.
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

}  // namespace bab::wire
