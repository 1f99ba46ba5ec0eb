#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <bab/detail/eal_args.hpp>

#include "../base/device_arguments.hpp"
#include "examine.hpp"

namespace bab::doctor {
namespace {

constexpr std::string_view kInterfaceTopic = "interface";

/// Arguments that name an interface, which must exist.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kKeys{
    {{"net_af_packet", "iface"},
     {"net_af_xdp", "iface"},
     {"net_pcap", "iface"},
     {"net_pcap", "rx_iface"},
     {"net_pcap", "rx_iface_in"},
     {"net_pcap", "tx_iface"},
     {"net_tap", "remote"}}};

/// The interfaces in "net_af_packet0,iface=eth0,blocksz=4096", each once.
std::vector<std::string> interfaces_of(const std::string& vdev) {
  std::vector<std::string> all;
  detail::for_each_device_argument(vdev, [&](std::string_view key, std::string_view name) {
    const bool named = std::any_of(kKeys.begin(), kKeys.end(), [&](const auto& k) {
      return vdev.starts_with(k.first) && key == k.second;
    });
    if (named && !name.empty() && std::find(all.begin(), all.end(), name) == all.end())
      all.emplace_back(name);
  });
  return all;
}

void examine_interface(const System& system, const std::string& name, std::uint32_t wanted_mtu,
                       Findings& findings) {
  const std::string folder = "sys/class/net/" + name;
  if (!system.exists(folder)) {
    findings.push_back({Level::kFail, kInterfaceTopic,
                        fmt::format("there is no interface {}", name),
                        "choose one that ip link shows"});
    return;
  }
  const std::uint64_t mtu = system.number(folder + "/mtu").value_or(0);
  constexpr std::uint64_t kUp = 1;  // IFF_UP
  if ((system.number(folder + "/flags", 16).value_or(kUp) & kUp) == 0)
    findings.push_back({Level::kFail, kInterfaceTopic, fmt::format("interface {} is down", name),
                        fmt::format("ip link set {} up", name)});
  else if (wanted_mtu > mtu)
    findings.push_back(
        {Level::kFail, kInterfaceTopic,
         fmt::format("interface {} has MTU {}, and {} is asked for", name, mtu, wanted_mtu),
         fmt::format("ip link set {} mtu {}, or lower the MTU to {}", name, wanted_mtu, mtu),
         Setting::kMtu});
  else
    findings.push_back(
        {Level::kOk, kInterfaceTopic, fmt::format("interface {} is up, MTU {}", name, mtu), ""});
}

}  // namespace

/// Examines the kernel's interfaces under virtual devices.
void examine_interfaces(const System& system, const Examination& what, Findings& findings) {
  std::set<std::string> seen;
  for (const std::string& vdev : detail::option_values(what.eal, "--vdev"))
    for (const std::string& name : interfaces_of(vdev))
      if (seen.insert(name).second) examine_interface(system, name, what.mtu, findings);
}

}  // namespace bab::doctor
