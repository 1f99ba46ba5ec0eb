#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <bab/wire/frame_header.hpp>

namespace testbab {

/// The sender of a frame, and our address that it was sent to: what an answer needs.
struct PeerAddress {
  static constexpr std::uint16_t kUntagged = 0xffff;

  bab::wire::MacAddress mac{};
  std::uint16_t vlan = kUntagged;    ///< 4095, which may not be sent, counts as untagged
  std::uint32_t ip = 0, our_ip = 0;  ///< host order
  std::uint16_t port = 0, our_port = 0;

  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;

  /// `frame`: from its destination MAC on. There is no address if bab::Framer wouldn't accept the
  /// frame. `tci`: its 802.1Q tag, if the NIC took the tag out of the frame
  /// (bab::ReceivedFrame::vlan_tci()).
  static PeerAddress of(std::span<const std::uint8_t> frame,
                        std::optional<std::uint16_t> tci = std::nullopt) noexcept;

  /// Headers of frames to this peer: `ours` with the peer as destination and with its VLAN tag. The
  /// source is the address that the peer sent to, unless that is a group or broadcast.
  [[nodiscard]] bab::wire::FrameHeader header(bab::wire::FrameHeaderOptions ours) const noexcept;
};

}  // namespace testbab
