#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct rte_eth_dev_info;

namespace bab {

/// What lies under a software port and its driver doesn't tell: larger frames are taken by the
/// driver and never arrive (or arrive broken), so that they are refused at start. bab never changes
/// a host interface's MTU.
struct CarrierLimits {
  std::string interface;      ///< the kernel's ("eth0") under net_af_packet, net_tap, net_af_xdp
  std::uint32_t mtu = 65535;  ///< of that interface, as the kernel has it now
  /// It exists only while the driver runs (net_tap), so that nobody can set its MTU beforehand.
  bool made_by_driver = false;
  /// Largest Ethernet frame, in bytes without CRC, that a slot of the shared memory holds; 0: any.
  std::uint32_t slot_frame = 0;
  std::string slot_mend;  ///< the driver's arguments that make slots larger
  /// Bytes of data, headroom not included, that the driver wants in a receive buffer; 0: any.
  std::uint32_t rx_bytes = 0;
};

/// None where the driver itself knows. Throws Error when the kernel doesn't say an interface's MTU.
std::optional<CarrierLimits> carrier_limits(const rte_eth_dev_info& device);

/// The values of a vdev's argument, in order: "/tmp/out.pcap" for tx_pcap.
std::vector<std::string> device_arguments(const rte_eth_dev_info& device, std::string_view key);

/// Throws Error with the numbers when frames of this MTU don't fit; `port` begins the sentence.
void require_mtu(const CarrierLimits& limits, std::uint32_t mtu, const std::string& port);

}  // namespace bab
