#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct rte_eth_dev_info;

namespace bab {

/// Limits of the carrier under a software port (a host interface, shared memory), which the driver
/// doesn't tell. The driver accepts larger frames, but they never arrive, or arrive broken; a port
/// therefore refuses them at start. bab never changes a host interface's MTU.
struct CarrierLimits {
  std::string interface;      ///< the kernel's ("eth0"), under net_af_packet, net_tap, net_af_xdp
  std::uint32_t mtu = 65535;  ///< of that interface, as the kernel says now
  /// The interface exists only while the driver runs (net_tap): its MTU can't be set beforehand.
  bool made_by_driver = false;
  /// Largest Ethernet frame, in bytes without CRC, that fits a slot of the shared memory; 0: no
  /// limit.
  std::uint32_t slot_frame = 0;
  std::string slot_mend;  ///< arguments of the driver that make slots larger
  /// Bytes of data, without headroom, that the driver wants in a receive buffer; 0: any.
  std::uint32_t rx_bytes = 0;
};

/// The limits of a port's carrier. None: the driver itself knows them. Throws Error when the kernel
/// doesn't tell an interface's MTU. Any thread.
std::optional<CarrierLimits> carrier_limits(const rte_eth_dev_info& device);

/// The values of the argument `key` of a virtual device, in order: "/tmp/out.pcap" for tx_pcap.
std::vector<std::string> device_arguments(const rte_eth_dev_info& device, std::string_view key);

/// Throws Error with the numbers when frames of this MTU (bytes of IP packet) don't fit. `port`
/// begins the sentence.
void require_mtu(const CarrierLimits& limits, std::uint32_t mtu, const std::string& port);

}  // namespace bab
