#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "examine.hpp"

namespace bab::doctor {
namespace {

constexpr std::string_view kFilesTopic = "hugepages";

/// "/dev/hugepages" of each hugetlbfs mount.
std::vector<std::string> mounts(const System& system) {
  std::vector<std::string> all;
  for (const std::string& line : system.lines("proc/mounts")) {
    std::istringstream fields(line);
    std::string device, path, type;
    if (fields >> device >> path >> type && type == "hugetlbfs") all.push_back(path);
  }
  return all;
}

/// The file prefix in an EAL hugepage file's name, PREFIXmap_NUMBER; empty: it is no such name.
std::string prefix_of(const std::string& name) {
  constexpr std::string_view kMap = "map_";
  const std::size_t at = name.rfind(kMap);
  if (at == std::string::npos || at == 0) return "";
  const std::string_view number = std::string_view(name).substr(at + kMap.size());
  const bool is_number = !number.empty() && std::all_of(number.begin(), number.end(), [](char c) {
    return c >= '0' && c <= '9';
  });
  return is_number ? name.substr(0, at) : "";
}

/// Files that some process locks or maps. EAL locks each of its hugepage files as long as it uses
/// it, but with --legacy-mem; only root sees what other users' processes map.
std::set<FileId> files_in_use(const System& system) {
  std::set<FileId> used;
  for (const std::string& line : system.lines("proc/locks")) {
    std::istringstream fields(line);
    std::string number, kind, how, access, pid, file;
    if (fields >> number >> kind >> how >> access >> pid >> file)
      if (const std::size_t colon = file.rfind(':'); colon != std::string::npos)
        used.insert({file.substr(0, colon), file.substr(colon + 1)});
  }
  for (const std::string& pid : system.list("proc")) {
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    for (const std::string& line : system.lines("proc/" + pid + "/maps")) {
      std::istringstream fields(line);
      std::string addresses, permissions, offset, device, inode;
      if (fields >> addresses >> permissions >> offset >> device >> inode && inode != "0")
        used.insert({device, inode});
    }
  }
  return used;
}

struct Orphans {
  std::vector<std::string> files;
  std::uint64_t bytes = 0;
  bool alone = true;  ///< no file of this prefix is in use
};

}  // namespace

/// Files of processes that ended without removing them, as one that was killed does: their pages
/// are free for nobody.
void examine_hugepage_files(const System& system, const Examination& /*what*/, Findings& findings) {
  std::set<FileId> used;
  bool looked = false;
  for (const std::string& mount : mounts(system)) {
    std::map<std::string, Orphans> by_prefix;
    for (const std::string& name : system.list(mount.substr(1))) {
      const std::string prefix = prefix_of(name);
      const std::optional<FileStatus> file = system.status(mount.substr(1) + "/" + name);
      if (prefix.empty() || !file) continue;
      if (!looked) used = files_in_use(system);
      looked = true;
      Orphans& of = by_prefix[prefix];
      if (used.count(file->id) > 0) {
        of.alone = false;
        continue;
      }
      of.files.push_back(name);
      of.bytes += file->bytes;
    }
    for (const auto& [prefix, orphans] : by_prefix) {
      if (orphans.files.empty()) continue;
      const std::size_t n = orphans.files.size();
      findings.push_back(
          {Level::kWarn, kFilesTopic,
           fmt::format("{} file{} in {} that no process uses keep{} {} MiB of hugepages: {}{}", n,
                       n == 1 ? "" : "s", mount, n == 1 ? "s" : "", orphans.bytes >> 20,
                       orphans.files.front(),
                       n == 1 ? "" : fmt::format(" … {}", orphans.files.back())),
           orphans.alone ? fmt::format("rm {}/{}map_*", mount, prefix)
                         : fmt::format("cd {} && rm {}", mount, fmt::join(orphans.files, " "))});
    }
  }
}

}  // namespace bab::doctor
