#include <bab/detail/eal_failure.hpp>

#include <array>
#include <sstream>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <bab/base/doctor.hpp>

namespace bab::detail {
namespace {

struct Known {
  std::string_view says;  ///< part of a line that EAL prints
  std::string_view mend;
  std::string_view topic = {};  ///< of the doctor's findings that say it better, where there is one
};

constexpr std::string_view kSeeOptions = "EAL's options are listed by testbab -h --";
constexpr std::string_view kSeeCpus =
    "choose CPUs there are and you may use (lscpu, taskset -p $$)";
constexpr std::string_view kSeePlugins = "give -d a DPDK driver's library, or a directory of them";
constexpr std::string_view kMoreHugepages =
    "add hugepages (echo 512 > /proc/sys/vm/nr_hugepages) or do without them (--no-huge -m 256)";

/// What says most comes first: EAL often prints several of these lines.
constexpr std::array kKnown{
    Known{"unrecognized option", kSeeOptions},
    Known{"invalid option", kSeeOptions},
    Known{"requires an argument", kSeeOptions},
    Known{"--legacy-mem is not compatible with --in-memory",
          "--no-huge implies --legacy-mem: leave --in-memory out"},
    Known{"is not compatible with", "leave one of the two out"},
    Known{" unavailable", kSeeCpus},
    Known{"Main lcore is not enabled", "--main-lcore names one of -l's or --lcores'"},
    Known{"Invalid process type", "it is primary, secondary or auto"},
    Known{"cannot open shared object file", kSeePlugins},
    Known{"invalid ELF header", kSeePlugins},
    Known{"invalid core list", kSeeCpus},
    Known{"invalid coremask", kSeeCpus},
    Known{"invalid parameter", kSeeOptions},
    Known{"invalid ", kSeeOptions},
    Known{"Cannot create lock",
          "choose another --file-prefix, or leave it out: then processes share nothing"},
    Known{"Not enough memory available",
          "ask for less (-m), add hugepages (echo 512 > "
          "/proc/sys/vm/nr_hugepages) or do without them (--no-huge)",
          "hugepages"},
    Known{"no mounted hugetlbfs",
          "mount -t hugetlbfs none /dev/hugepages, or leave out "
          "--file-prefix and --huge-dir: then no files are needed",
          "hugepages"},
    Known{"Couldn't get fd on hugepage file",
          "run as who may write to the hugetlbfs (--huge-dir), or use --no-huge -m 256", "user"},
    Known{"No free", kMoreHugepages, "hugepages"},
    Known{"hugepage", kMoreHugepages, "hugepages"},
    Known{
        "failed to parse device",
        "check its spelling, and that the package with its driver is installed (librte-meta-net)"},
    Known{"Cannot allocate memseg list", "ask for less memory with -m"},
    Known{"Cannot init memory", "ask for less memory with -m"},
    Known{"ermission denied", "run as root, or use --no-huge --no-shconf --no-pci -m 256", "user"},
};

/// A line without the prefixes that only say where it comes from.
std::string bare(std::string_view line) {
  for (const std::string_view prefix :
       {"EAL: ", "FATAL: ", "Error - exiting with code: 1", "bab: "})
    if (line.starts_with(prefix)) line.remove_prefix(prefix.size());
  // "some_function(): "
  if (const std::size_t at = line.find("(): "); at != std::string_view::npos && line.find(' ') > at)
    line.remove_prefix(at + 4);
  while (!line.empty() && (line.back() == '.' || line.back() == ' ')) line.remove_suffix(1);
  return std::string(line);
}

/// What is no reason: also a success, or of no consequence where it comes.
bool is_chatter(std::string_view line) {
  return line.empty() || line.find("selecting IOVA") != std::string_view::npos ||
         line.find("Failed to register mp action callback") != std::string_view::npos;
}

std::vector<std::string> lines(const std::string& log) {
  std::vector<std::string> all;
  std::istringstream stream(log);
  bool usage = false;  // EAL's list of options, which speaks of everything
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("Usage: ")) usage = true;
    if (line.starts_with("EAL: ") || line.starts_with("bab: ")) usage = false;
    if (!usage && !is_chatter(line)) all.push_back(line);
  }
  return all;
}

}  // namespace

std::string explain_eal_failure(const std::string& log, std::span<const std::string> args) {
  const std::vector<std::string> all = lines(log);
  for (const Known& known : kKnown)
    for (const std::string& line : all)
      if (line.find(known.says) != std::string::npos) {
        const std::string finding =
            known.topic.empty() ? "" : diagnosis(args, std::array{known.topic});
        if (finding.empty()) return fmt::format("starting EAL: {}; {}", bare(line), known.mend);
        return fmt::format(
            "starting EAL: {}{}", finding,
            known.topic == "hugepages" ? ", or do without them (--no-huge -m 256)" : "");
      }
  std::string last = "it gives no reason";
  for (const std::string& line : all)
    if (line.starts_with("EAL: ")) last = bare(line);
  return fmt::format("starting EAL: {}; --log-level=lib.eal:debug shows all it says", last);
}

std::string explain_device_failure(const std::string& log) {
  for (const std::string& line : lines(log))
    if (!line.starts_with("EAL: ") && !line.starts_with("TELEMETRY: ")) return bare(line);
  return {};
}

}  // namespace bab::detail
