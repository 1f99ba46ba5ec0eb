#pragma once

#include <bab/detail/build.hpp>

#include <cstddef>
#include <cstdint>

#include <bab/wire/checksum.hpp>
#include <bab/wire/endian.hpp>

namespace bab::wire {

/// Sizes (in bytes) and fields of the IPv4 header (RFC 791 §3.1) and the UDP header (RFC 768).
inline constexpr std::size_t kIpv4Bytes = 20;
inline constexpr std::size_t kUdpBytes = 8;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint16_t kIpv4DontFragment = 0x4000;
/// The bits of the fragment offset; all 0 in a first fragment and in a packet that is not
/// fragmented.
inline constexpr std::uint16_t kIpv4Offset = 0x1fff;
inline constexpr std::uint16_t kIpv4MoreFragmentsOrOffset = 0x2000 | kIpv4Offset;

/// Offsets of fields in the headers, in bytes.
struct Ipv4Offset {
  static constexpr std::size_t kVersionIhl = 0, kTotalLength = 2, kFragment = 6, kTtl = 8,
                               kProtocol = 9, kChecksum = 10, kSource = 12, kDestination = 16;
};
struct UdpOffset {
  static constexpr std::size_t kSource = 0, kDestination = 2, kLength = 4, kChecksum = 6;
};

/// The checksum's partial sum over the UDP pseudo header (RFC 768): both addresses of the IPv4
/// header at `ip`, the protocol, and `udp_len`, the UDP length in bytes.
[[nodiscard]] inline std::uint64_t pseudo_header_sum(const std::uint8_t* ip,
                                                     std::uint16_t udp_len) noexcept {
  std::uint8_t rest[4] = {0, kProtocolUdp, 0, 0};
  store_be(rest + 2, udp_len);
  return sum_bytes(ip + Ipv4Offset::kSource, 8) + sum_bytes(rest, sizeof rest);
}

/// The UDP checksum, to be stored with memcpy (see finish()). `ip` and `udp` point at the headers;
/// the UDP checksum field must be 0. A computed 0 becomes 0xffff, since 0 on the wire means "none"
/// (RFC 768).
[[nodiscard]] inline std::uint16_t udp_checksum(const std::uint8_t* ip, const std::uint8_t* udp,
                                                std::uint16_t udp_len) noexcept {
  const std::uint16_t sum = finish(pseudo_header_sum(ip, udp_len) + sum_bytes(udp, udp_len));
  return sum == 0 ? 0xffff : sum;
}

}  // namespace bab::wire
