#include "eal_failure.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <bab/detail/diagnosis.hpp>

#include "eal_options.hpp"

namespace bab::detail {
namespace {

struct Known {
  std::string_view says;  ///< part of a line that EAL prints
  std::string_view mend;
  std::string_view topic = {};  ///< of the doctor, whose finding is better than `mend`
};

constexpr std::string_view kSeeCpus =
    "choose CPUs that exist and that you may use (lscpu, taskset -p $$)";
constexpr std::string_view kSeePlugins = "give -d a DPDK driver's library, or a directory of them";
constexpr std::string_view kMoreHugepages =
    "add hugepages (echo 512 > /proc/sys/vm/nr_hugepages) or do without them (--no-huge -m 256)";

/// The most informative lines come first: EAL often prints several of them.
constexpr std::array kKnown{
    Known{"cannot be specified together with", "leave one of the two out"},
    Known{"can't be used at the same time", "leave one of the two out"},
    Known{">= RTE_MAX_LCORE",
          "number lcores below that, and put them on CPUs with --lcores (--lcores 0@0,1@200)"},
    Known{"Error creating '",
          "set XDG_RUNTIME_DIR to a directory that you may write to (root: make /run writable), or "
          "do without files (--no-shconf --no-telemetry)"},
    Known{"is world-writable and insecure",
          "move the driver's library out of it, or chmod o-w that directory"},
    Known{"socket binding, path too long",
          "set XDG_RUNTIME_DIR to a shorter path, or do without it (--no-telemetry --no-shconf)"},
    Known{"is not compatible with", "leave one of the two out"},
    Known{" unavailable", kSeeCpus},
    Known{"Cannot set affinity", kSeeCpus},
    Known{"Failed to create thread",
          "choose CPUs that you may use (taskset -p $$), or raise the number of threads "
          "(ulimit -u, the container's limit)"},
    Known{"Main lcore is not enabled", "--main-lcore takes one of the lcores of -l or --lcores"},
    Known{"cannot open shared object file", kSeePlugins},
    Known{"invalid ELF header", kSeePlugins},
    Known{"invalid core list", kSeeCpus},
    Known{"invalid coremask", kSeeCpus},
    Known{"invalid parameter", kListsOptions},
    Known{"invalid ", kListsOptions},
    Known{"Cannot create lock",
          "choose another --file-prefix, or leave it out: then processes share nothing"},
    Known{"hugepage_data",
          "a process without hugepages is the primary one of that --file-prefix, and no other can "
          "join it: choose another --file-prefix"},
    Known{"Not enough memory available",
          "ask for less (-m), add hugepages (echo 512 > "
          "/proc/sys/vm/nr_hugepages) or do without them (--no-huge)",
          "hugepages"},
    Known{"no mounted hugetlbfs",
          "mount -t hugetlbfs none /dev/hugepages, or leave out "
          "--file-prefix and --huge-dir: then no files are needed",
          "hugepages"},
    Known{
        "Couldn't get fd on hugepage file",
        "run as a user who can write to the hugetlbfs mount (--huge-dir), or use --no-huge -m 256",
        "user"},
    Known{"No free", kMoreHugepages, "hugepages"},
    Known{"hugepage", kMoreHugepages, "hugepages"},
    Known{
        "failed to parse device",
        "check its spelling, and that the package with its driver is installed (librte-meta-net)"},
    Known{"Cannot allocate memseg list", "ask for less memory with -m"},
    Known{"Cannot init memory", "ask for less memory with -m"},
    Known{"ermission denied", "run as root, or use --no-huge --no-shconf --no-pci -m 256", "user"},
};

/// For a PCI device that a DPDK driver tried to use.
constexpr std::array kKnownOfPci{
    Known{
        "failed to select IOMMU type",
        "VFIO refuses an IOMMU without interrupt remapping: turn interrupt remapping on (in the "
        "firmware; no intremap=off on the kernel's command line) or, if you trust all users of the "
        "NIC, echo Y > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
        "iommu"},
    Known{"VFIO group is not viable",
          "bind every device in the NIC's IOMMU group to vfio-pci, or leave it without a driver",
          "nic"},
    Known{"MA remapping failed", "ulimit -l unlimited (memlock in /etc/security/limits.conf)"},
    Known{"annot set up DMA remapping",
          "ulimit -l unlimited (memlock in /etc/security/limits.conf)"},
    Known{"Expecting 'PA' IOVA mode", "leave --iova-mode out, or run as root"},
    Known{"Expecting 'VA' IOVA mode", "leave --iova-mode out, or bind the NIC to vfio-pci"},
    Known{"ailed to open VFIO group",
          "run as a user who can open the files in /dev/vfio (chown, or a udev rule)", "user"},
    Known{"Cannot open /dev/uio", "run as root: only root can use uio"},
    Known{"not managed by VFIO",
          "bind it to vfio-pci; if it is bound, the kernel has no IOMMU group for it", "nic"},
};

/// A line without the prefixes that only say where it comes from.
std::string bare(std::string_view line) {
  for (const std::string_view prefix : {"EAL: ", "TELEMETRY: ", "Error - exiting with code: 1"})
    if (line.starts_with(prefix)) line.remove_prefix(prefix.size());
  // "some_function(): "
  if (const std::size_t at = line.find("(): "); at != std::string_view::npos && line.find(' ') > at)
    line.remove_prefix(at + 4);
  while (!line.empty() && std::string_view(". !").find(line.back()) != std::string_view::npos)
    line.remove_suffix(1);
  return std::string(line);
}

/// Whether a line gives no reason: it reports a success or a failure without consequences, or it
/// says that something failed but not why.
bool is_chatter(std::string_view line) {
  constexpr std::array<std::string_view, 12> kChatter{"selecting IOVA",
                                                      "Selected IOVA mode",
                                                      "Failed to register mp action callback",
                                                      "Invalid 'command line' arguments",
                                                      "Cannot create runtime directory",
                                                      "Detected ",
                                                      "Multi-process socket ",
                                                      "Probing VFIO support",
                                                      "VFIO support initialized",
                                                      "No available ",
                                                      "using IOMMU type",
                                                      "Using IOMMU type"};
  return line.empty() || std::any_of(kChatter.begin(), kChatter.end(), [&](std::string_view some) {
           return line.find(some) != std::string_view::npos;
         });
}

std::vector<std::string> lines(const std::string& log) {
  std::vector<std::string> all;
  std::istringstream stream(log);
  for (std::string line; std::getline(stream, line);)
    if (!is_chatter(line)) all.push_back(line);
  return all;
}

using KnownLine = std::pair<const Known*, std::string>;

std::optional<KnownLine> first_known(std::span<const Known> table,
                                     const std::vector<std::string>& all) {
  for (const Known& known : table)
    for (const std::string& line : all)
      if (line.find(known.says) != std::string::npos) return KnownLine{&known, line};
  return std::nullopt;
}

std::string found_on_the_machine(const Known& known, std::span<const std::string> args) {
  return known.topic.empty() ? "" : diagnosis(args, std::array{known.topic});
}

}  // namespace

Error explain_eal_failure(const std::string& log, std::span<const std::string> args) {
  const std::vector<std::string> all = lines(log);
  if (const auto known = first_known(kKnown, all)) {
    const std::string finding = found_on_the_machine(*known->first, args);
    if (finding.empty())
      return Error(fmt::format("starting EAL: {}; {}", bare(known->second), known->first->mend),
                   known->first->mend == kListsOptions ? Setting::kEalArguments : Setting::kNone);
    return Error(fmt::format(
        "starting EAL: {}{}", finding,
        known->first->topic == "hugepages" ? ", or do without them (--no-huge -m 256)" : ""));
  }
  // EAL's last line, "EAL: Cannot …", says what failed. The line before may say why.
  std::string what, why;
  for (const std::string& line : all)
    if (line.starts_with("EAL: ") || line.starts_with("TELEMETRY: "))
      if (std::string next = bare(line); next != what) {
        why = std::move(what);
        what = std::move(next);
      }
  return Error(fmt::format("starting EAL: {}{}{}; --log-level=lib.eal:debug shows the whole log",
                           what, what.empty() || why.empty() ? "" : ": ",
                           what.empty() && why.empty() ? "EAL gives no reason" : why));
}

std::string explain_pci_failure(const std::string& log, const std::string& pci,
                                std::span<const std::string> args) {
  std::vector<std::string> about;
  bool probed = false;
  for (std::string& line : lines(log)) {
    if (line.find("Probe PCI driver: ") != std::string::npos ||
        line.find("Requested device ") != std::string::npos)
      probed = line.find("Probe") != std::string::npos && line.find(pci) != std::string::npos;
    else if (probed || line.find(pci) != std::string::npos)
      about.push_back(std::move(line));
  }
  if (about.empty()) return {};
  const auto known = first_known(kKnownOfPci, about);
  if (!known) return fmt::format("{}; --log-level=8 shows the whole log", bare(about.front()));
  const std::string finding = found_on_the_machine(*known->first, args);
  return finding.empty() ? fmt::format("{}; {}", bare(known->second), known->first->mend) : finding;
}

std::string explain_device_failure(const std::string& log) {
  for (const std::string& line : lines(log))
    if (!line.starts_with("EAL: ") && !line.starts_with("TELEMETRY: ")) return bare(line);
  return {};
}

}  // namespace bab::detail
