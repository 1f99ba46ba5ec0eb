#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <rte_ethdev.h>

#include <bab/port/carrier_limits.hpp>
#include <bab/port/port.hpp>

#include "../detail/dpdk/bonding.hpp"
#include "device_info.hpp"

namespace bab {
namespace {

using detail::device_info;

/// Those that are no part of another driver's device that owns them.
std::vector<std::uint16_t> unowned() {
  std::vector<std::uint16_t> ids;
  for (std::uint64_t id = rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER);
       id < RTE_MAX_ETHPORTS;
       id = rte_eth_find_next_owned_by(static_cast<std::uint16_t>(id + 1), RTE_ETH_DEV_NO_OWNER))
    ids.push_back(static_cast<std::uint16_t>(id));
  return ids;
}

/// A member's port, as net_bonding finds it by its argument: a name, a PCI address, or a port's id.
std::uint16_t member_id(const std::string& name) {
  std::uint16_t id = 0;
  for (const std::string& each : {name, "0000:" + name})
    if (rte_eth_dev_get_port_by_name(each.c_str(), &id) == 0) return id;
  char* end = nullptr;
  const unsigned long number = std::strtoul(name.c_str(), &end, 10);
  return !name.empty() && *end == '\0' && number < RTE_MAX_ETHPORTS
             ? static_cast<std::uint16_t>(number)
             : RTE_MAX_ETHPORTS;
}

/// Ports that a net_bonding device has, or will have when it is configured.
std::set<std::uint16_t> bonding_members(const std::vector<std::uint16_t>& ports) {
  std::set<std::uint16_t> members;
  for (const std::uint16_t id : ports) {
    const rte_eth_dev_info device = device_info(id);
    if (detail::is_bonding_member(device)) members.insert(id);
    if (std::string_view(device.driver_name) != "net_bonding") continue;
    for (const char* key : {"slave", "member"})
      for (const std::string& name : device_arguments(device, key)) members.insert(member_id(name));
  }
  return members;
}

}  // namespace

std::vector<std::uint16_t> port_ids() {
  std::vector<std::uint16_t> ids = unowned();
  const std::set<std::uint16_t> members = bonding_members(ids);
  std::erase_if(ids, [&](std::uint16_t id) { return members.count(id) > 0; });
  return ids;
}

}  // namespace bab
