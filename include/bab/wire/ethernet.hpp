#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bab::wire {

/// Sizes in bytes: Ethernet II header (IEEE 802.3 §3), 802.1Q tag (802.1Q §9), CRC.
inline constexpr std::size_t kEthernetBytes = 14;
inline constexpr std::size_t kVlanBytes = 4;
inline constexpr std::size_t kCrcBytes = 4;
inline constexpr std::size_t kEtherTypeAt = 12;  ///< offset in a frame, in bytes
inline constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEtherTypeVlan = 0x8100;
/// Largest VLAN id. The field has 12 bits; 0 (a tag with a priority only) and 4095 are reserved.
inline constexpr std::uint16_t kVlanIdMax = 4094;
/// Of a tag's 16 bits; the others are the priority and DEI.
inline constexpr std::uint16_t kVlanIdMask = 0xfff;

using MacAddress = std::array<std::uint8_t, 6>;

/// The Ethernet group address for an IPv4 multicast address (host byte order): 01:00:5e and the low
/// 23 bits of `ip` (RFC 1112 §6.4).
[[nodiscard]] constexpr MacAddress multicast_mac(std::uint32_t ip) noexcept {
  return {0x01,
          0x00,
          0x5e,
          static_cast<std::uint8_t>((ip >> 16) & 0x7f),
          static_cast<std::uint8_t>(ip >> 8),
          static_cast<std::uint8_t>(ip)};
}

/// Whether `ip` (host byte order) is an IPv4 multicast address: 224.0.0.0/4 (RFC 1112 §4).
[[nodiscard]] constexpr bool is_multicast(std::uint32_t ip) noexcept { return ip >> 28 == 0xe; }

}  // namespace bab::wire
