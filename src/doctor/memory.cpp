#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include <bab/detail/eal_args.hpp>

#include "../base/cpu_set.hpp"
#include "../base/leading_number.hpp"
#include "examine.hpp"

namespace bab::doctor {
namespace {

using detail::leading_number;
using detail::parse_set;

constexpr std::string_view kHugepageTopic = "hugepages";
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
    if (!name.starts_with(kPrefix)) continue;
    const auto kib = leading_number(name.substr(kPrefix.size()));
    if (!kib) continue;
    const std::string dir = folder + "/" + name;
    all.push_back({node, dir, *kib * 1024, system.number(dir + "/nr_hugepages").value_or(0),
                   system.number(dir + "/free_hugepages").value_or(0)});
  }
}

std::vector<Pages> read_pages(const System& system) {
  std::vector<Pages> all;
  for (const std::string& name : system.list("sys/devices/system/node")) {
    constexpr std::string_view kNode = "node";
    if (!name.starts_with(kNode)) continue;
    if (const auto node = leading_number(name.substr(kNode.size())))
      read_pages(system, static_cast<int>(*node), "sys/devices/system/node/" + name + "/hugepages",
                 all);
  }
  if (all.empty()) read_pages(system, -1, "sys/kernel/mm/hugepages", all);
  return all;
}

/// The NUMA node of each NIC that the run asks for by name, if the node is known.
std::vector<int> nic_nodes(const System& system, const Examination& what) {
  std::vector<int> nodes;
  for (const std::string& device : detail::option_values(what.eal, "--allow")) {
    const std::string pci = detail::pci_address(device);
    // "-1": the machine doesn't tell.
    if (const auto node = system.number("sys/bus/pci/devices/" + pci + "/numa_node");
        !pci.empty() && node)
      nodes.push_back(static_cast<int>(*node));
  }
  return nodes;
}

/// The NUMA nodes of the run's lcores. Empty: the machine has no NUMA nodes.
std::set<int> lcore_nodes(const System& system, const Examination& what,
                          const std::vector<Pages>& pages) {
  const std::vector<unsigned> ours = lcore_cpus(what);
  std::set<int> nodes;
  for (const Pages& p : pages) {
    if (p.node < 0) continue;
    const auto cpus = parse_set(
        system.text(fmt::format("sys/devices/system/node/node{}/cpulist", p.node)).value_or(""));
    if (std::find_first_of(ours.begin(), ours.end(), cpus.begin(), cpus.end()) != ours.end())
      nodes.insert(p.node);
  }
  return nodes;
}

/// The bytes that --socket-mem asks for, per node, as in "1024,0" (MiB). Since DPDK 25.11 it is
/// also called --numa-mem.
std::vector<std::uint64_t> socket_bytes(const Examination& what) {
  std::vector<std::uint64_t> bytes;
  std::vector<std::string> given = detail::option_values(what.eal, "--socket-mem");
  for (std::string& text : detail::option_values(what.eal, "--numa-mem"))
    given.push_back(std::move(text));
  for (const std::string& text : given) {
    bytes.clear();
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(',', at), text.size());
      bytes.push_back(leading_number(text.substr(at, end - at)).value_or(0) * kMib);
      at = end + 1;
    }
  }
  return bytes;
}

std::uint64_t wanted_bytes(const Examination& what) {
  std::uint64_t mib = 0;
  for (const std::string& text : detail::option_values(what.eal, "-m"))
    mib = leading_number(text).value_or(mib);
  return mib > 0 ? mib * kMib : what.memory_bytes;
}

/// Memory that some nodes must have together.
struct Need {
  std::set<int> nodes;  ///< empty: any node
  std::uint64_t bytes;
};

/// --socket-mem tells the need per node. Without it, a NIC's pools lie on its node, and a run
/// without NICs takes memory of its lcores' nodes.
std::vector<Need> read_needs(const System& system, const Examination& what,
                             const std::vector<Pages>& pages) {
  std::vector<Need> needs;
  const auto is_there = [&](int node) {
    return std::any_of(pages.begin(), pages.end(), [&](const Pages& p) { return p.node == node; });
  };
  if (const auto bytes = socket_bytes(what); !bytes.empty()) {
    std::uint64_t all = 0;
    bool known = true;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      all += bytes[i];
      known &= bytes[i] == 0 || is_there(static_cast<int>(i));
      if (bytes[i] > 0) needs.push_back({{static_cast<int>(i)}, bytes[i]});
    }
    if (!known) needs = {{{}, all}};
    return needs;
  }
  const std::uint64_t bytes = wanted_bytes(what);
  std::map<int, std::uint64_t> nics;
  for (const int node : nic_nodes(system, what))
    if (is_there(node)) ++nics[node];
  std::uint64_t all = 0;
  for (const auto& [node, n] : nics) all += n;
  for (const auto& [node, n] : nics) needs.push_back({{node}, bytes * n / all});
  if (needs.empty()) needs.push_back({lcore_nodes(system, what, pages), bytes});
  return needs;
}

/// The command that raises the free pages of `p` to `bytes`.
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
  findings.push_back({Level::kFail, kHugepageTopic,
                      "these EAL arguments need a hugetlbfs mount, and there is none",
                      "mkdir -p /dev/hugepages && mount -t hugetlbfs none /dev/hugepages"});
}

}  // namespace

void examine_memory(const System& system, const Examination& what, Findings& findings) {
  const std::vector<Pages> all = read_pages(system);
  if (all.empty()) {
    findings.push_back({Level::kWarn, kHugepageTopic, "this kernel has no hugepages at all",
                        "run without them: --no-huge -m 256"});
    return;
  }
  const bool needed = !detail::has_option(what.eal, "--no-huge");
  struct Judged {
    Level level = Level::kOk;
    std::string text, mend;
  };
  std::map<const Pages*, Judged> judged;
  std::set<int> judged_nodes;
  for (const Need& need : read_needs(system, what, all)) {
    std::uint64_t free = 0;
    const Pages* best = nullptr;  // where to add pages: the smallest size, mostly 2 MiB
    for (const Pages& p : all) {
      if (!need.nodes.empty() && p.node >= 0 && need.nodes.count(p.node) == 0) continue;
      free += p.free * p.bytes;
      judged_nodes.insert(p.node);
      if (best == nullptr || p.bytes < best->bytes) best = &p;
    }
    if (best == nullptr) best = &all.front();
    Judged& j = judged[best];
    const std::uint64_t enough = std::max(need.bytes, best->bytes);
    if (needed && free < enough)
      j = {Level::kFail, fmt::format("; {} are needed", in_words(enough)),
           more_pages(*best, enough)};
    else if (!needed && free == 0)
      j = {Level::kWarn, "; --no-huge runs without them, real NICs and full speed need them",
           more_pages(*best, std::max(enough, 1024 * kMib))};
    else if (needed && need.bytes > 0 && j.level == Level::kOk)
      j.text = fmt::format("; {} are needed", in_words(need.bytes));
  }
  if (needed)  // these lcores get memory of another node, which is slower
    for (const int node : lcore_nodes(system, what, all)) {
      std::uint64_t free = 0;
      const Pages* best = nullptr;
      for (const Pages& p : all) {
        if (p.node != node) continue;
        free += p.free;
        if (best == nullptr || p.bytes < best->bytes) best = &p;
      }
      if (free == 0 && best != nullptr && judged_nodes.count(node) == 0)
        judged[best] = {Level::kWarn, "; lcores run there and will use another node's memory",
                        more_pages(*best, 64 * kMib)};
    }
  for (const Pages& p : all) {
    const auto found = judged.find(&p);
    if (p.total == 0 && found == judged.end()) continue;
    const std::string where = p.node >= 0 ? fmt::format("NUMA node {}: ", p.node) : "";
    Finding f{Level::kOk, kHugepageTopic,
              fmt::format("{}{} hugepages of {}, {} free ({})", where, p.total, in_words(p.bytes),
                          p.free, in_words(p.free * p.bytes)),
              ""};
    if (found != judged.end()) {
      f.level = found->second.level;
      f.text += found->second.text;
      f.mend = found->second.mend;
    }
    findings.push_back(std::move(f));
  }
  if (needed) examine_mount(system, what, findings);
}

}  // namespace bab::doctor
