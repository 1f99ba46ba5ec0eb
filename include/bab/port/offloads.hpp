#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <bab/message/framer.hpp>
#include <bab/wire/frame_header.hpp>

struct rte_eth_dev_info;

namespace bab {

/// A user's choice for checksums, in one direction.
enum class ChecksumChoice : std::uint8_t {
  kAuto,  ///< the device if it can, else software; a memory port sends no UDP checksum
  kHw,  ///< the device; an error at start if it has no UDP checksums (software may still do IPv4's)
  kSw,
  kOff,  ///< TX: the UDP checksum is 0 (IPv4's can't be off and is computed). RX: nothing is
         ///< verified
};

/// What inserts the 802.1Q tag into outgoing frames that have one.
enum class TagChoice : std::uint8_t {
  /// Software: the tag is part of the headers, which are written in any case. A device would save
  /// nothing.
  kAuto,
  kHw,  ///< the device, from its descriptors; an error at start if it can't
  kSw,
};

/// A user's choices for 802.1Q tags.
struct VlanChoices {
  TagChoice insert = TagChoice::kAuto;
  /// The device strips the tag of received frames and puts it into the mbuf;
  /// ReceivedFrame::vlan_tci() reads it there. If false, or if the device can't, the tag stays in
  /// the frame, and vlan_tci() reads it there.
  bool strip = false;
};

/// Whether the device or software does a job for a port, and why, for `show port` and reports.
struct Capability {
  std::string_view name;  ///< "tx ipv4 checksum"
  std::string_view by;    ///< "device", "software" or "off"
  std::string why;
};

/// The outcome of negotiate() for one device.
struct Offloads {
  wire::ChecksumBy tx_ip = wire::ChecksumBy::kSoftware;
  wire::ChecksumBy tx_udp = wire::ChecksumBy::kSoftware;
  wire::TagBy tx_vlan = wire::TagBy::kSoftware;
  VerifyChecksums rx = VerifyChecksums::kSoftware;
  std::uint64_t tx_flags = 0;  ///< RTE_ETH_TX_OFFLOAD_*, for configure; never MBUF_FAST_FREE
  std::uint64_t rx_flags = 0;  ///< RTE_ETH_RX_OFFLOAD_*
  std::vector<Capability> report;
};

/// Chooses from what the device can do; software does the rest. Throws Error when kHw is asked for
/// and the device has no UDP checksums in that direction, or doesn't insert tags itself. Any
/// thread.
Offloads negotiate(const rte_eth_dev_info& device, std::string_view port_name, ChecksumChoice tx,
                   ChecksumChoice rx, const VlanChoices& vlan = {});

/// Whether frames of the driver's ports never leave this machine's memory (net_ring, net_memif). A
/// checksum finds no fault there that a copy wouldn't have, too.
bool is_memory_port(std::string_view driver) noexcept;

}  // namespace bab
