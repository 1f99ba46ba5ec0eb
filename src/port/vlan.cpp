#include "vlan.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>

namespace bab {
namespace {

/// Drivers that report RTE_ETH_TX_OFFLOAD_VLAN_INSERT but call rte_vlan_insert() when they send.
/// This function moves the frame's bytes; it fails if anybody else has a share of the frame, which
/// then goes without its tag or not at all. From DPDK's sources, 22.11 to 26.07: git grep
/// rte_vlan_insert drivers/net. The last two sit on other ports, whose driver may be one of these.
constexpr std::array<std::string_view, 9> kInsertersInSoftware{
    "net_virtio", "net_virtio_user", "net_vhost",   "net_af_packet", "net_dpaa2",
    "net_pcap",   "net_nbl",         "net_bonding", "net_failsafe"};

bool inserts_in_software(std::string_view driver) {
  return std::find(kInsertersInSoftware.begin(), kInsertersInSoftware.end(), driver) !=
         kInsertersInSoftware.end();
}

/// The NICs of net_e1000_em have one switch for both directions, CTRL.VME ("VLAN mode enable",
/// 82574 datasheet 10.2.2.1). The driver turns it on only for RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
/// without it, tags in descriptors are ignored.
bool inserts_only_where_it_strips(std::string_view driver) { return driver == "net_e1000_em"; }

}  // namespace

void agree_on_tags(const rte_eth_dev_info& device, std::string_view port_name,
                   const VlanChoices& choices, Offloads& o) {
  const std::string_view driver = device.driver_name;
  const bool inserts = (device.tx_offload_capa & RTE_ETH_TX_OFFLOAD_VLAN_INSERT) != 0;
  const bool strips = (device.rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_STRIP) != 0;
  const auto refuse = [&](std::string_view why) {
    throw Error(
        fmt::format(
            "VLAN tags by hardware: port {} ({}) {}; leave them to software, at the same cost",
            port_name, driver, why),
        Setting::kTxVlan);
  };
  std::string why_insert = "part of the headers that are written anyway";
  std::string why_strip = "not asked for: a tag stays in its frame";
  bool strip = choices.strip;
  if (strip) why_strip = "asked for";
  if (choices.insert == TagChoice::kHw) {
    if (!inserts) refuse("inserts none");
    if (inserts_in_software(driver)) refuse("inserts them in software");
    if (inserts_only_where_it_strips(driver) && !std::exchange(strip, true))
      why_strip = fmt::format("{} inserts tags only where it strips them", driver);
    o.tx_vlan = wire::TagBy::kDevice;
    o.tx_flags |= RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
    why_insert = "asked for";
  }
  if (strip && strips)
    o.rx_flags |= RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
  else if (strip)
    why_strip = fmt::format("{} doesn't offer it: a tag is read in its frame", driver);
  o.report.push_back(
      {"tx vlan insert", o.tx_vlan == wire::TagBy::kDevice ? "device" : "software", why_insert});
  o.report.push_back({"rx vlan strip", !strip ? "off" : strips ? "device" : "software", why_strip});
}

}  // namespace bab
