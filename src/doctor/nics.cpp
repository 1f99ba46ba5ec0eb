#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include <bab/detail/eal_args.hpp>

#include "../base/user.hpp"
#include "../base/words.hpp"
#include "examine.hpp"
#include "pmds.hpp"

namespace bab::doctor {
namespace {

using detail::enumerate;
using detail::User;
using detail::user;

constexpr std::string_view kNicTopic = "nic";
constexpr std::string_view kDevices = "sys/bus/pci/devices/";

/// Adds the interface and all interfaces below it: members of bridges and bonds, the interface
/// under a VLAN.
void add_with_lower(const System& system, const std::string& interface,
                    std::set<std::string>& all) {
  if (!all.insert(interface).second) return;
  constexpr std::string_view kLower = "lower_";
  const std::string folder = "sys/class/net/" + interface;
  for (const std::string& name : system.list(folder))
    if (name.starts_with(kLower)) add_with_lower(system, name.substr(kLower.size()), all);
  for (const std::string& member : system.list(folder + "/brif"))
    add_with_lower(system, member, all);
}

/// Interfaces of the default route: without them the machine would be cut off.
std::set<std::string> default_route(const System& system) {
  std::set<std::string> all;
  for (const std::string& line : system.lines("proc/net/route")) {
    std::istringstream words(line);
    std::string interface, destination, gateway, flags, refs, use, metric, mask;
    words >> interface >> destination >> gateway >> flags >> refs >> use >> metric >> mask;
    if (destination == "00000000" && mask == "00000000") add_with_lower(system, interface, all);
  }
  for (const std::string& line : system.lines("proc/net/ipv6_route")) {
    std::vector<std::string> words;
    std::istringstream stream(line);
    for (std::string word; stream >> word;) words.push_back(word);
    // Every machine has such a route to lo, which means "unreachable".
    if (words.size() == 10 && words[1] == "00" && words[9] != "lo" &&
        words[0] == std::string(32, '0'))
      add_with_lower(system, words[9], all);
  }
  return all;
}

struct Nic {
  std::string address;  ///< 0000:01:00.0
  std::uint16_t vendor, device;
  std::string driver;  ///< the kernel's driver; empty: none
  std::vector<std::string> interfaces;
  std::string iommu_group;
  bool asked;  ///< named with -a

  [[nodiscard]] std::string label() const {
    return fmt::format("{} ({:04x}:{:04x})", address, vendor, device);
  }
};

std::vector<Nic> read_nics(const System& system, const std::vector<std::string>& asked) {
  std::vector<Nic> all;
  for (const std::string& address : system.list("sys/bus/pci/devices")) {
    const std::string folder = std::string(kDevices) + address;
    const auto pci_class = system.number(folder + "/class", 16);
    constexpr std::uint64_t kNetwork = 0x02;
    if (!pci_class || *pci_class >> 16 != kNetwork) continue;
    Nic nic{address,
            static_cast<std::uint16_t>(system.number(folder + "/vendor", 16).value_or(0)),
            static_cast<std::uint16_t>(system.number(folder + "/device", 16).value_or(0)),
            system.link(folder + "/driver"),
            system.list(folder + "/net"),
            system.link(folder + "/iommu_group"),
            std::find(asked.begin(), asked.end(), address) != asked.end()};
    for (const std::string& name : system.list(folder))  // virtio0/net/eth0
      if (name.starts_with("virtio"))
        for (std::string& interface : system.list(folder + "/" + name + "/net"))
          nic.interfaces.push_back(std::move(interface));
    all.push_back(std::move(nic));
  }
  return all;
}

bool is_dpdk_driver(std::string_view driver) {
  constexpr std::array<std::string_view, 4> kThose{"vfio-pci", "uio_pci_generic", "igb_uio",
                                                   "uio_hv_generic"};
  return std::find(kThose.begin(), kThose.end(), driver) != kThose.end();
}

bool has_word(std::string_view text, const std::string& word) {
  std::istringstream words{std::string(text)};
  for (std::string w; words >> w;)
    if (w == word) return true;
  return false;
}

/// Other devices of the NIC's IOMMU group that have another driver: "0000:01:00.1 (igb)". VFIO
/// takes a group only as a whole. Bridges don't count: they may keep the kernel's driver.
std::vector<std::string> group_blockers(const System& system, const Nic& nic) {
  std::vector<std::string> all;
  if (nic.iommu_group.empty()) return all;
  for (const std::string& address :
       system.list("sys/kernel/iommu_groups/" + nic.iommu_group + "/devices")) {
    const std::string folder = std::string(kDevices) + address;
    const std::string driver = system.link(folder + "/driver");
    if (address == nic.address || driver.empty() || driver == "vfio-pci" || driver == "pci-stub")
      continue;
    constexpr std::uint64_t kBridge = 0x06;
    if (system.number(folder + "/class", 16).value_or(0) >> 16 == kBridge) continue;
    all.push_back(fmt::format("{} ({})", address, driver));
  }
  return all;
}

constexpr const char* kAnotherSlot =
    "give the NIC a group of its own (another slot, or ACS on in the firmware), or bind the other "
    "devices of the group to vfio-pci, if nobody needs them";

/// Finds what prevents the use of a device that is bound to vfio-pci.
void examine_vfio(const System& system, const Nic& nic, Findings& findings) {
  const bool unsafe = system.text("sys/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y";
  if (nic.iommu_group.empty()) {
    if (!unsafe)
      findings.push_back(
          {Level::kFail, kNicTopic, fmt::format("{} is in no IOMMU group", nic.label()),
           "turn the IOMMU on (intel_iommu=on or amd_iommu=on on the kernel's command line), or do "
           "without: echo 1 > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode"});
    return;
  }
  if (const auto others = group_blockers(system, nic); !others.empty())
    findings.push_back(
        {Level::kFail, kNicTopic,
         fmt::format("{} shares IOMMU group {} with {}, and VFIO takes only a whole group",
                     nic.label(), nic.iommu_group, enumerate(others)),
         kAnotherSlot});
  const User who = user(system);
  const std::string group = "dev/vfio/" + nic.iommu_group;
  if (!who.is_root() && system.exists(group) && !system.is_usable_by(group, who.uid))
    findings.push_back(
        {Level::kFail, "user",
         fmt::format("user {} may not open /{}, which {} needs", who.uid, group, nic.label()),
         fmt::format("chown {} /{}", who.uid, group)});
}

/// Whether the NIC may be in use: an interface of it is up, part of another one, or not visible
/// here.
bool is_in_use(const System& system, const Nic& nic) {
  if (nic.interfaces.empty()) return true;
  return std::any_of(nic.interfaces.begin(), nic.interfaces.end(), [&](const std::string& name) {
    const std::string folder = "sys/class/net/" + name;
    constexpr std::uint64_t kUp = 1;  // IFF_UP
    const auto flags = system.number(folder + "/flags", 16);
    const std::vector<std::string> entries = system.list(folder);
    return !flags || (*flags & kUp) != 0 ||
           std::any_of(entries.begin(), entries.end(), [](const std::string& entry) {
             return entry == "master" || entry.starts_with("upper_");
           });
  });
}

/// The kernel driver to suggest for the NIC. Without an IOMMU this is a uio driver, if root can use
/// it.
std::string_view driver_for(const System& system, const Nic& nic, const Pmd& pmd) {
  constexpr std::string_view kVfio = "vfio-pci", kUio = "uio_pci_generic";
  if (!nic.iommu_group.empty() || !user(system).is_root() || !has_word(pmd.kmod, std::string(kUio)))
    return kVfio;
  if (system.text("sys/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y") return kVfio;
  // A locked-down kernel (secure boot) lets no process map a NIC's registers.
  const std::string lockdown = system.text("sys/kernel/security/lockdown").value_or("[none]");
  const std::string modules =
      "lib/modules/" + system.text("proc/sys/kernel/osrelease").value_or("") + "/modules.dep";
  const bool there =
      system.exists("sys/module/uio_pci_generic") ||
      system.text(modules).value_or("").find("/uio_pci_generic.ko") != std::string::npos;
  return there && lockdown.starts_with("[none]") ? kUio : kVfio;
}

/// The command that binds the NIC, with the tool that is installed, or else with the kernel's own
/// files.
std::string bind_command(const System& system, const Nic& nic, std::string_view driver) {
  const auto installed = [&](const std::string& program) {
    constexpr std::array<std::string_view, 2> kFolders{"usr/bin/", "usr/local/bin/"};
    return std::any_of(kFolders.begin(), kFolders.end(), [&](std::string_view folder) {
      return system.exists(std::string(folder) + program);
    });
  };
  if (installed("bab-bind")) return fmt::format("bab-bind --bind={} {} --yes", driver, nic.address);
  std::string module(driver);
  std::replace(module.begin(), module.end(), '-', '_');
  const std::string load =
      system.exists("sys/module/" + module) ? "" : fmt::format("modprobe {} && ", driver);
  if (installed("dpdk-devbind.py"))
    return fmt::format("{}dpdk-devbind.py -b {} {}", load, driver, nic.address);
  const std::string folder = fmt::format("/{}{}", kDevices, nic.address);
  return fmt::format(
      "{}{}echo {} > {}/driver_override && echo {} > /sys/bus/pci/drivers_probe", load,
      nic.driver.empty() ? "" : fmt::format("echo {} > {}/driver/unbind && ", nic.address, folder),
      driver, folder, nic.address);
}

Finding examine_nic(const System& system, const Examination& what, const Nic& nic,
                    const std::set<std::string>& route) {
  const Level trouble = nic.asked ? Level::kFail : Level::kWarn;
  const Pmd pmd = find_pmd(system, what.eal, nic.vendor, nic.device);
  const bool carries_route = std::any_of(nic.interfaces.begin(), nic.interfaces.end(),
                                         [&](const std::string& i) { return route.count(i) > 0; });
  const std::string interface =
      nic.interfaces.empty() ? "" : fmt::format(", {}", enumerate(nic.interfaces));
  if (carries_route)
    return {nic.asked ? Level::kFail : Level::kOk, kNicTopic,
            fmt::format("{} has the kernel's driver {}{}: it carries the default route and is left "
                        "alone",
                        nic.label(), nic.driver, interface),
            nic.asked ? "name another NIC with -a" : ""};
  if (pmd.name.empty()) {
    const std::string package = pmd_package(nic.vendor);
    return {package.empty() && !nic.asked ? Level::kOk : trouble, kNicTopic,
            fmt::format("{}{}: no installed PMD drives it", nic.label(), interface),
            package.empty()
                ? (nic.asked ? "DPDK is not known to have one: name another NIC with -a" : "")
                : fmt::format("apt-get install {}", package)};
  }
  if (is_dpdk_driver(nic.driver))
    return {Level::kOk, kNicTopic,
            fmt::format("{} is bound to {}, for {}", nic.label(), nic.driver, pmd.name), ""};
  // mlx4 and mlx5 share the device with the kernel's driver.
  if (!nic.driver.empty() && has_word(pmd.kmod, nic.driver))
    return {Level::kOk, kNicTopic,
            fmt::format("{} has the kernel's driver {}, and {} shares the NIC with it", nic.label(),
                        nic.driver, pmd.name),
            ""};
  // Suggests a bind only for NICs that can't be in use: the default route may take a way that isn't
  // visible here (another network namespace, a tunnel, a second next hop, another routing table).
  if (!nic.driver.empty() && is_in_use(system, nic))
    return {
        trouble, kNicTopic,
        fmt::format("{} has the kernel's driver {}{}, and may be in use", nic.label(), nic.driver,
                    interface),
        nic.interfaces.empty()
            ? "find out what uses it (another network namespace?) before you give it to DPDK"
            : fmt::format("make sure that nobody needs {0}, then ip link set {0} down, and check "
                          "again",
                          nic.interfaces.front())};
  if (const auto others = group_blockers(system, nic); !others.empty())
    return {trouble, kNicTopic,
            fmt::format("{}{} shares IOMMU group {} with {}, and VFIO takes only a whole group",
                        nic.label(), interface, nic.iommu_group, enumerate(others)),
            kAnotherSlot};
  return {trouble, kNicTopic,
          fmt::format("{} has {}{}{}: DPDK's {} needs another driver there", nic.label(),
                      nic.driver.empty() ? "no driver" : "the kernel's driver " + nic.driver,
                      interface, nic.interfaces.empty() ? "" : ", which is down", pmd.name),
          bind_command(system, nic, driver_for(system, nic, pmd))};
}

}  // namespace

void examine_nics(const System& system, const Examination& what, Findings& findings) {
  std::vector<std::string> asked;
  if (!detail::without_pci(what.eal))
    for (const std::string& device : detail::option_values(what.eal, "--allow"))
      if (std::string pci = detail::pci_address(device); !pci.empty())
        asked.push_back(std::move(pci));
  const std::vector<Nic> nics = read_nics(system, asked);
  const std::set<std::string> route = default_route(system);
  bool wants_iommu = false, asked_by_vfio = false;
  for (const Nic& nic : nics) {
    Finding f = examine_nic(system, what, nic, route);
    wants_iommu |= nic.driver == "vfio-pci" || f.mend.find("vfio-pci") != std::string::npos;
    asked_by_vfio |= nic.driver == "vfio-pci" && nic.asked;
    findings.push_back(std::move(f));
    if (nic.driver == "vfio-pci" && nic.asked) examine_vfio(system, nic, findings);
  }
  for (const std::string& address : asked)
    if (std::none_of(nics.begin(), nics.end(), [&](const Nic& n) { return n.address == address; }))
      findings.push_back({Level::kFail, kNicTopic,
                          system.exists(std::string(kDevices) + address)
                              ? fmt::format("{} is no network device", address)
                              : fmt::format("there is no PCI device {}", address),
                          "choose one that lspci -D shows"});
  if (nics.empty() && asked.empty())
    findings.push_back({Level::kOk, kNicTopic,
                        "no PCI network device; virtual ones work (--vdev=net_af_packet0,iface=…)",
                        ""});
  examine_iommu(system, wants_iommu, asked_by_vfio, findings);
}

}  // namespace bab::doctor
