#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <bab/wire/frame_header.hpp>

namespace testbab {

/// Where a frame came from and which of our addresses it was sent to, as far as an answer needs it.
struct PeerAddress {
  static constexpr std::uint16_t kUntagged = 0xffff;

  bab::wire::MacAddress mac{};
  std::uint16_t vlan = kUntagged;    ///< 4095, which may not be sent, counts as untagged
  std::uint32_t ip = 0, our_ip = 0;  ///< host order
  std::uint16_t port = 0, our_port = 0;

  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;

  /// `frame`: from its destination MAC on; of one that bab::Framer doesn't accept there is no
  /// address. `tci`: its 802.1Q tag where it doesn't stand in the frame, since the NIC took it out
  /// (bab::ReceivedFrame::vlan_tci()).
  static PeerAddress of(std::span<const std::uint8_t> frame,
                        std::optional<std::uint16_t> tci = std::nullopt) noexcept;

  /// Headers of frames to this peer: `ours` with the peer as their destination, from the address
  /// that it sent to (unless that was a group's or everybody's), with its VLAN tag.
  [[nodiscard]] bab::wire::FrameHeader header(bab::wire::FrameHeaderOptions ours) const noexcept;
};

}  // namespace testbab
