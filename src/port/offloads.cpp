#include <bab/port/offloads.hpp>

#include <fmt/format.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>

#include "vlan.hpp"

namespace bab {
namespace {

std::string_view by_name(wire::ChecksumBy by) {
  switch (by) {
    case wire::ChecksumBy::kNone:
      return "off";
    case wire::ChecksumBy::kSoftware:
      return "software";
    case wire::ChecksumBy::kDevice:
      return "device";
  }
  return "off";
}

std::string why(ChecksumChoice choice, bool device_can, std::string_view driver) {
  switch (choice) {
    case ChecksumChoice::kSw:
      return "asked for";
    case ChecksumChoice::kOff:
      return "asked for";
    case ChecksumChoice::kHw:
      if (device_can) return "asked for";
      break;
    case ChecksumChoice::kAuto:
      break;
  }
  return fmt::format("{} {} it", driver, device_can ? "offers" : "doesn't offer");
}

}  // namespace

bool is_memory_port(std::string_view driver) noexcept {
  return driver == "net_ring" || driver == "net_memif";
}

Offloads negotiate(const rte_eth_dev_info& device, std::string_view port_name, ChecksumChoice tx,
                   ChecksumChoice rx, const VlanChoices& vlan) {
  const std::string_view driver = device.driver_name;
  const bool tx_ip = (device.tx_offload_capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
  const bool tx_udp = (device.tx_offload_capa & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) != 0;
  const bool rx_ip = (device.rx_offload_capa & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) != 0;
  const bool rx_udp = (device.rx_offload_capa & RTE_ETH_RX_OFFLOAD_UDP_CKSUM) != 0;
  if (tx == ChecksumChoice::kHw && !tx_udp)
    throw Error(
        fmt::format(
            "TX checksums by hardware: port {} ({}) computes no UDP checksums; use auto, sw "
            "or off",
            port_name, driver),
        Setting::kTxChecksum);
  if (rx == ChecksumChoice::kHw && !rx_udp)
    throw Error(
        fmt::format(
            "RX checksums by hardware: port {} ({}) verifies no UDP checksums; use auto, sw "
            "or off",
            port_name, driver),
        Setting::kRxChecksum);

  Offloads o;
  const bool tx_device = tx == ChecksumChoice::kAuto || tx == ChecksumChoice::kHw;
  if (tx_device && tx_ip) o.tx_ip = wire::ChecksumBy::kDevice;
  if (tx_device && tx_udp) o.tx_udp = wire::ChecksumBy::kDevice;
  const bool memory = is_memory_port(driver);
  // In software, a jumbo frame's UDP checksum costs as much as writing its messages.
  if (tx == ChecksumChoice::kOff || (tx == ChecksumChoice::kAuto && memory))
    o.tx_udp = wire::ChecksumBy::kNone;
  if (o.tx_ip == wire::ChecksumBy::kDevice) o.tx_flags |= RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
  if (o.tx_udp == wire::ChecksumBy::kDevice) o.tx_flags |= RTE_ETH_TX_OFFLOAD_UDP_CKSUM;

  const bool rx_device = rx == ChecksumChoice::kAuto || rx == ChecksumChoice::kHw;
  if (rx_device && rx_ip) o.rx_flags |= RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
  if (rx_device && rx_udp) o.rx_flags |= RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
  o.rx = rx == ChecksumChoice::kOff ? VerifyChecksums::kOff
         : o.rx_flags != 0          ? VerifyChecksums::kDeviceThenHere
                                    : VerifyChecksums::kSoftware;

  const auto rx_by = [&](bool device_can) -> std::string_view {
    if (rx == ChecksumChoice::kOff) return "off";
    return rx_device && device_can ? "device" : "software";
  };
  o.report = {
      {"tx ipv4 checksum", by_name(o.tx_ip),
       tx == ChecksumChoice::kOff ? "IPv4 always has one" : why(tx, tx_ip, driver)},
      {"tx udp checksum", by_name(o.tx_udp),
       memory && tx == ChecksumChoice::kAuto ? "a memory port" : why(tx, tx_udp, driver)},
      {"rx ipv4 checksum", rx_by(rx_ip), why(rx, rx_ip, driver)},
      {"rx udp checksum", rx_by(rx_udp), why(rx, rx_udp, driver)},
  };
  agree_on_tags(device, port_name, vlan, o);
  return o;
}

}  // namespace bab
