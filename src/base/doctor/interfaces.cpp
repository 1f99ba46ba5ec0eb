#include <fmt/format.h>

#include <bab/detail/eal_args.hpp>

#include "system.hpp"

namespace bab::doctor {
namespace {

constexpr std::string_view kTopic = "interface";

/// The value of `key` in "net_af_packet0,iface=eth0,blocksz=4096".
std::string argument(const std::string& vdev, const std::string& key) {
  const std::string wanted = "," + key + "=";
  const std::size_t at = vdev.find(wanted);
  if (at == std::string::npos) return {};
  const std::size_t from = at + wanted.size();
  return vdev.substr(from, vdev.find(',', from) - from);
}

}  // namespace

/// The kernel's interfaces under virtual devices.
void examine_interfaces(const System& system, const Examination& what, Findings& findings) {
  for (const std::string& vdev : detail::option_values(what.eal, "--vdev")) {
    const std::string driver = vdev.substr(0, vdev.find(','));
    if (!driver.starts_with("net_af_packet") && !driver.starts_with("net_af_xdp") &&
        !driver.starts_with("net_pcap"))
      continue;
    const std::string name = argument(vdev, "iface");
    if (name.empty()) continue;
    const std::string folder = "sys/class/net/" + name;
    if (!system.exists(folder)) {
      findings.push_back({Level::kFail, kTopic, fmt::format("there is no interface {}", name),
                          "choose one that ip link shows"});
      continue;
    }
    const std::uint64_t mtu = system.number(folder + "/mtu").value_or(0);
    constexpr std::uint64_t kUp = 1;  // IFF_UP
    if ((system.number(folder + "/flags", 16).value_or(kUp) & kUp) == 0)
      findings.push_back({Level::kFail, kTopic, fmt::format("interface {} is down", name),
                          fmt::format("ip link set {} up", name)});
    else if (what.mtu > mtu)
      findings.push_back(
          {Level::kFail, kTopic,
           fmt::format("interface {} has MTU {}, and {} is asked for", name, mtu, what.mtu),
           fmt::format("--mtu={}, or ip link set {} mtu {}", mtu, name, what.mtu)});
    else
      findings.push_back(
          {Level::kOk, kTopic, fmt::format("interface {} is up, MTU {}", name, mtu), ""});
  }
}

}  // namespace bab::doctor
