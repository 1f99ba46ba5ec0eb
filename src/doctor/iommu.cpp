#include <algorithm>

#include <fmt/format.h>

#include "examine.hpp"

namespace bab::doctor {
namespace {

constexpr std::string_view kIommuTopic = "iommu";

/// Whether an x86 IOMMU does not remap interrupts. VFIO then refuses devices, since they could
/// forge the interrupts of others.
bool leaves_interrupts_alone(const System& system) {
  const std::vector<std::string> units = system.list("sys/class/iommu");
  const bool x86 = std::any_of(units.begin(), units.end(), [](const std::string& name) {
    return name.starts_with("dmar") || name.starts_with("ivhd");
  });
  if (!x86) return false;
  const std::vector<std::string> interrupts = system.lines("proc/interrupts");
  return !interrupts.empty() &&
         std::none_of(interrupts.begin(), interrupts.end(), [](const std::string& line) {
           return line.find(" IR-") != std::string::npos;  // IR-IO-APIC, IR-PCI-MSI
         });
}

}  // namespace

void examine_iommu(const System& system, bool wanted, bool asked, Findings& findings) {
  const std::size_t groups = system.list("sys/kernel/iommu_groups").size();
  if (groups == 0) {
    if (wanted)
      findings.push_back(
          {Level::kWarn, kIommuTopic,
           "off: vfio-pci then works only without protection, and only for root",
           "put intel_iommu=on or amd_iommu=on, and iommu=pt, on the kernel's "
           "command line (GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub)"});
    else
      findings.push_back({Level::kOk, kIommuTopic, "off, and nothing here needs it", ""});
    return;
  }
  const std::string unsafe = "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
  if (wanted && leaves_interrupts_alone(system) && system.text(unsafe) != "Y")
    findings.push_back(
        {asked ? Level::kFail : Level::kWarn, kIommuTopic,
         fmt::format("on, {} groups, but interrupts aren't remapped: VFIO refuses NICs", groups),
         fmt::format(
             "turn interrupt remapping on (in the firmware, and without intremap=off on the "
             "kernel's command line), or, if you trust all users of the NIC, {}echo Y > /{}",
             system.exists(unsafe) ? "" : "modprobe vfio_iommu_type1 && ", unsafe)});
  else
    findings.push_back({Level::kOk, kIommuTopic, fmt::format("on, {} groups", groups), ""});
}

}  // namespace bab::doctor
