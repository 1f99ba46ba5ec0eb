#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bab::wire {

/// Ethernet II, IEEE 802.3 §3 and 802.1Q §9.
inline constexpr std::size_t kEthernetBytes = 14;
inline constexpr std::size_t kVlanBytes = 4;
inline constexpr std::size_t kCrcBytes = 4;
inline constexpr std::size_t kEtherTypeAt = 12;  ///< its offset in a frame
inline constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEtherTypeVlan = 0x8100;
/// 12 bits, of which 0 (priority tag) and 0xfff are reserved.
inline constexpr std::uint16_t kVlanIdMax = 4094;
/// Of a tag's 16 bits; the others are the priority and DEI.
inline constexpr std::uint16_t kVlanIdMask = 0xfff;

using MacAddress = std::array<std::uint8_t, 6>;

/// The group address of an IPv4 multicast address (host order): 01:00:5e and its low 23 bits
/// (RFC 1112 §6.4).
[[nodiscard]] constexpr MacAddress multicast_mac(std::uint32_t ip) noexcept {
  return {0x01,
          0x00,
          0x5e,
          static_cast<std::uint8_t>((ip >> 16) & 0x7f),
          static_cast<std::uint8_t>(ip >> 8),
          static_cast<std::uint8_t>(ip)};
}

[[nodiscard]] constexpr bool is_multicast(std::uint32_t ip) noexcept { return ip >> 28 == 0xe; }

}  // namespace bab::wire
