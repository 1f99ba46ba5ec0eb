#include <linux/capability.h>

#include <array>
#include <sstream>

#include <fmt/format.h>

#include <bab/detail/eal_args.hpp>

#include "../base/device_arguments.hpp"
#include "../base/user.hpp"
#include "../base/words.hpp"
#include "examine.hpp"

namespace bab::doctor {
namespace {

using detail::enumerate;
using detail::User;
using detail::user;

constexpr std::string_view kUserTopic = "user";

struct Wish {
  std::string_view device;  ///< how a virtual device's name begins
  unsigned capability;
  std::string_view name;
};
constexpr std::array kWishes{Wish{"net_af_packet", CAP_NET_RAW, "cap_net_raw"},
                             Wish{"net_pcap", CAP_NET_RAW, "cap_net_raw"},
                             Wish{"net_tap", CAP_NET_ADMIN, "cap_net_admin"},
                             Wish{"net_af_xdp", CAP_NET_ADMIN, "cap_net_admin"},
                             Wish{"net_af_xdp", CAP_NET_RAW, "cap_net_raw"}};

/// Whether the device needs the capability: net_pcap with files only needs none, a device with an
/// interface does.
bool needs(const Wish& wish, const std::string& vdev) {
  if (!vdev.starts_with(wish.device)) return false;
  bool has_interface = wish.device != "net_pcap";
  detail::for_each_device_argument(vdev, [&](std::string_view key, std::string_view) {
    has_interface |= key.find("iface") != std::string_view::npos;  // rx_iface, rx_iface_in, …
  });
  return has_interface;
}

/// The running program's file.
std::string program(const System& system) {
  std::string file = system.target("proc/self/exe");
  return file.empty() ? "PROGRAM" : file;
}

/// VFIO locks all memory that it maps, hugepages included.
void examine_locked_memory(const System& system, Findings& findings) {
  for (const std::string& line : system.lines("proc/self/limits")) {
    if (!line.starts_with("Max locked memory")) continue;
    std::istringstream words(line.substr(sizeof "Max locked memory" - 1));
    std::string soft;
    words >> soft;
    if (soft != "unlimited")
      findings.push_back(
          {Level::kWarn, kUserTopic,
           fmt::format(
               "this user may lock at most {} bytes of memory, and VFIO locks all memory of a run",
               soft),
           "ulimit -l unlimited (memlock in /etc/security/limits.conf)"});
  }
}

}  // namespace

void examine_user(const System& system, const Examination& what, Findings& findings) {
  const User who = user(system);
  std::string missing;
  std::vector<std::string> devices;
  for (const std::string& vdev : detail::option_values(what.eal, "--vdev"))
    for (const Wish& wish : kWishes) {
      if (!needs(wish, vdev) || who.has(wish.capability)) continue;
      if (missing.find(wish.name) == std::string::npos)
        missing += fmt::format("{}{}", missing.empty() ? "" : ",", wish.name);
      devices.push_back(vdev.substr(0, vdev.find(',')));
    }
  if (!missing.empty()) {
    findings.push_back({Level::kFail, kUserTopic,
                        fmt::format("user {} may not open {}: {} is missing", who.uid,
                                    enumerate(devices), missing),
                        fmt::format("run as root, or setcap {}+ep {}", missing, program(system))});
    return;
  }
  if (who.is_root()) {
    findings.push_back({Level::kOk, kUserTopic, "root", ""});
    return;
  }
  const bool no_huge = detail::has_option(what.eal, "--no-huge");
  if (no_huge && detail::without_pci(what.eal)) {
    findings.push_back(
        {Level::kOk, kUserTopic,
         fmt::format("user {}: enough for a run without hugepages and NICs", who.uid), ""});
    return;
  }
  if (detail::has_option(what.eal, "--file-prefix") && !who.has(CAP_DAC_OVERRIDE) &&
      !system.is_usable_by("dev/hugepages", who.uid))
    findings.push_back(
        {Level::kFail, kUserTopic, fmt::format("user {} may not write to /dev/hugepages", who.uid),
         fmt::format("chown {} /dev/hugepages, or leave --file-prefix out", who.uid)});
  if (!who.has(CAP_SYS_ADMIN))
    findings.push_back(
        {Level::kOk, kUserTopic,
         fmt::format("user {} sees no physical addresses: NICs need vfio-pci with an IOMMU",
                     who.uid),
         ""});
  examine_locked_memory(system, findings);
}

}  // namespace bab::doctor
