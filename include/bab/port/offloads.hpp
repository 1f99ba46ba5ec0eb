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

/// What a user asks of checksums, for one direction.
enum class ChecksumChoice : std::uint8_t {
  kAuto,  ///< the device where it can, else software; on memory ports no UDP checksum is sent
  kHw,  ///< the device; an error at start where it can't do UDP's (IPv4's may be left to software)
  kSw,
  kOff,  ///< TX: UDP checksum 0 (IPv4's can't be off and is computed). RX: nothing is verified
};

/// Who puts 802.1Q tags into outgoing frames that have one.
enum class TagChoice : std::uint8_t {
  /// Software: the tag is part of the headers that are written anyway, so that a device would save
  /// nothing.
  kAuto,
  kHw,  ///< the device, from its descriptors; an error at start where it can't
  kSw,
};

/// What a user asks of 802.1Q tags.
struct VlanChoices {
  TagChoice insert = TagChoice::kAuto;
  /// The device takes the tag out of received frames, which then is in the mbuf
  /// (ReceivedFrame::vlan_tci() knows); where it can't, the tag stays in the frame and is read
  /// there. So it is without this, too.
  bool strip = false;
};

/// Who does a thing for a port, and why, for `show port` and reports.
struct Capability {
  std::string_view name;  ///< "tx ipv4 checksum"
  std::string_view by;    ///< "device", "software" or "off"
  std::string why;
};

/// What was agreed with one device.
struct Offloads {
  wire::ChecksumBy tx_ip = wire::ChecksumBy::kSoftware;
  wire::ChecksumBy tx_udp = wire::ChecksumBy::kSoftware;
  wire::TagBy tx_vlan = wire::TagBy::kSoftware;
  VerifyChecksums rx = VerifyChecksums::kSoftware;
  std::uint64_t tx_flags = 0;  ///< RTE_ETH_TX_OFFLOAD_*, for configure; never MBUF_FAST_FREE
  std::uint64_t rx_flags = 0;  ///< RTE_ETH_RX_OFFLOAD_*
  std::vector<Capability> report;
};

/// Asks the device what it can do, uses what it has, does the rest in software.
/// Throws Error when kHw is asked for and the device has no UDP checksums in that direction, or
/// doesn't put tags in itself.
Offloads negotiate(const rte_eth_dev_info& device, std::string_view port_name, ChecksumChoice tx,
                   ChecksumChoice rx, const VlanChoices& vlan = {});

/// Frames of such a port never leave this machine's memory (net_ring, net_memif): no checksum of
/// theirs can catch anything that a copy wouldn't also break.
bool is_memory_port(std::string_view driver) noexcept;

}  // namespace bab
