#pragma once

#include <cstdint>
#include <optional>
#include <string>

struct rte_eth_dev_info;

namespace bab {

/// The kernel's network interface under a port (net_af_packet, net_tap, net_af_xdp), and its limits. The
/// driver takes larger frames and they never arrive, so that they are refused at start. bab never
/// changes a host interface's MTU.
struct HostInterface {
  std::string name;   ///< "eth0"
  std::uint32_t mtu;  ///< as the kernel has it now
  /// Largest Ethernet frame, in bytes without CRC, that the driver's shared ring can hold; 0: any.
  std::uint32_t ring_frame = 0;
  /// Bytes of data, headroom not included, that the driver wants in a receive buffer; 0: any.
  std::uint32_t rx_bytes = 0;
  /// It exists only while the driver runs (net_tap), so that nobody can set its MTU beforehand.
  bool made_by_driver = false;
};

/// None when the port has no interface of the kernel's. Throws Error when the kernel doesn't say its MTU.
std::optional<HostInterface> host_interface(const rte_eth_dev_info& device);

/// Throws Error with the numbers when frames of this MTU don't fit; `port` begins the sentence.
void require_mtu(const HostInterface& host, std::uint32_t mtu, const std::string& port);

}  // namespace bab
