#include <charconv>

#include <fmt/format.h>

#include <bab/detail/eal_args.hpp>

#include "system.hpp"

namespace bab::doctor {
namespace {

constexpr std::string_view kTopic = "hugepages";
constexpr std::uint64_t kMib = std::uint64_t{1} << 20;

struct Pages {
  int node;  ///< -1: the machine has no NUMA nodes
  std::string folder;
  std::uint64_t bytes, total, free;
};

std::string in_words(std::uint64_t bytes) {
  return bytes >= 1024 * kMib && bytes % (1024 * kMib) == 0
             ? fmt::format("{} GiB", bytes / (1024 * kMib))
             : fmt::format("{} MiB", bytes / kMib);
}

void read_pages(const System& system, int node, const std::string& folder,
                std::vector<Pages>& all) {
  constexpr std::string_view kPrefix = "hugepages-";
  for (const std::string& name : system.list(folder)) {
    std::uint64_t kib = 0;
    if (!name.starts_with(kPrefix) ||
        std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), kib).ec !=
            std::errc())
      continue;
    const std::string dir = folder + "/" + name;
    all.push_back({node, dir, kib * 1024, system.number(dir + "/nr_hugepages").value_or(0),
                   system.number(dir + "/free_hugepages").value_or(0)});
  }
}

std::vector<Pages> read_pages(const System& system) {
  std::vector<Pages> all;
  for (const std::string& name : system.list("sys/devices/system/node")) {
    int node = 0;
    if (name.starts_with("node") &&
        std::from_chars(name.data() + 4, name.data() + name.size(), node).ec == std::errc())
      read_pages(system, node, "sys/devices/system/node/" + name + "/hugepages", all);
  }
  if (all.empty()) read_pages(system, -1, "sys/kernel/mm/hugepages", all);
  return all;
}

/// The node of the first NIC that the run asks for by name; -1: none is told.
int wanted_node(const System& system, const Examination& what) {
  for (const std::string& device : detail::option_values(what.eal, "--allow", "-a")) {
    const std::string pci = detail::pci_address(device);
    const auto text = system.text("sys/bus/pci/devices/" + pci + "/numa_node");
    if (!pci.empty() && text && *text != "-1")
      return static_cast<int>(
          system.number("sys/bus/pci/devices/" + pci + "/numa_node").value_or(0));
  }
  return -1;
}

std::uint64_t wanted_bytes(const Examination& what) {
  std::uint64_t mib = 0;
  for (const std::string& text : detail::option_values(what.eal, "--memory", "-m"))
    (void)std::from_chars(text.data(), text.data() + text.size(), mib);
  for (const std::string& text : detail::option_values(what.eal, "--socket-mem")) {
    mib = 0;  // of all nodes: "1024,0"
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(',', at), text.size());
      std::uint64_t one = 0;
      (void)std::from_chars(text.data() + at, text.data() + end, one);
      mib += one;
      at = end + 1;
    }
  }
  return mib > 0 ? mib * kMib : what.memory_bytes;
}

/// The command that brings the free pages of `p` up to `bytes`.
std::string more_pages(const Pages& p, std::uint64_t bytes) {
  const std::uint64_t wanted = (bytes + p.bytes - 1) / p.bytes;
  const std::uint64_t used = p.total - std::min(p.free, p.total);
  return fmt::format("echo {} > /{}/nr_hugepages", used + wanted, p.folder);
}

void examine_mount(const System& system, const Examination& what, Findings& findings) {
  const bool files = detail::has_option(what.eal, "--file-prefix") ||
                     detail::has_option(what.eal, "--huge-dir") ||
                     detail::has_option(what.eal, "--proc-type");
  if (!files || detail::has_option(what.eal, "--in-memory")) return;
  for (const std::string& line : system.lines("proc/mounts"))
    if (line.find(" hugetlbfs ") != std::string::npos) return;
  findings.push_back({Level::kFail, kTopic,
                      "these EAL arguments need a hugetlbfs and none is mounted",
                      "mkdir -p /dev/hugepages && mount -t hugetlbfs none /dev/hugepages"});
}

}  // namespace

void examine_memory(const System& system, const Examination& what, Findings& findings) {
  const std::vector<Pages> all = read_pages(system);
  if (all.empty()) {
    findings.push_back({Level::kWarn, kTopic, "this kernel has no hugepages at all",
                        "testbab without EAL arguments does without"});
    return;
  }
  const bool needed = !detail::has_option(what.eal, "--no-huge");
  const std::uint64_t bytes = wanted_bytes(what);
  const int node = wanted_node(system, what);
  std::uint64_t free = 0;
  const Pages* best =
      nullptr;  // where more are to be added: on the node, and 2 MiB ones if there are
  for (const Pages& p : all) {
    if (node >= 0 && p.node >= 0 && p.node != node) continue;
    free += p.free * p.bytes;
    if (best == nullptr || p.bytes < best->bytes) best = &p;
  }
  if (best == nullptr) best = &all.front();

  const std::uint64_t enough = std::max(bytes, best->bytes);
  for (const Pages& p : all) {
    if (p.total == 0 && &p != best) continue;
    const std::string where = p.node >= 0 ? fmt::format("NUMA node {}: ", p.node) : "";
    Finding f{Level::kOk, kTopic,
              fmt::format("{}{} hugepages of {}, {} free ({})", where, p.total, in_words(p.bytes),
                          p.free, in_words(p.free * p.bytes)),
              ""};
    if (&p == best && needed && free < enough) {
      f.level = Level::kFail;
      f.text += fmt::format("; {} are needed", in_words(enough));
      f.mend = more_pages(p, enough);
    } else if (&p == best && !needed && free == 0) {
      f.level = Level::kWarn;
      f.text += "; a run with --no-huge does without, real NICs and full speed don't";
      f.mend = more_pages(p, std::max(enough, 1024 * kMib));
    } else if (&p == best && needed && bytes > 0) {
      f.text += fmt::format("; {} are needed", in_words(bytes));
    }
    findings.push_back(std::move(f));
  }
  if (needed) examine_mount(system, what, findings);
}

}  // namespace bab::doctor
