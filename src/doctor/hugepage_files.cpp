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

/// proc/mounts writes a blank as \040.
std::string with_blanks(std::string_view path) {
  constexpr std::string_view kBlank = "\\040";
  std::string text;
  while (!path.empty()) {
    const bool is_blank = path.starts_with(kBlank);
    text += is_blank ? ' ' : path.front();
    path.remove_prefix(is_blank ? kBlank.size() : 1);
  }
  return text;
}

/// "/dev/hugepages" of each hugetlbfs mount.
std::vector<std::string> mounts(const System& system) {
  std::vector<std::string> all;
  for (const std::string& line : system.lines("proc/mounts")) {
    std::istringstream fields(line);
    std::string device, path, type;
    if (!(fields >> device >> path >> type) || type != "hugetlbfs") continue;
    all.push_back(with_blanks(path));
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

/// Files that a process maps. Only root sees the maps of other users' processes, and nobody those
/// of other PID namespaces.
std::set<FileId> mapped_files(const System& system) {
  std::set<FileId> mapped;
  for (const std::string& pid : system.list("proc")) {
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    for (const std::string& line : system.lines("proc/" + pid + "/maps")) {
      std::istringstream fields(line);
      std::string addresses, permissions, offset, device, inode;
      if (fields >> addresses >> permissions >> offset >> device >> inode && inode != "0")
        mapped.insert({device, inode});
    }
  }
  return mapped;
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
  std::set<FileId> mapped, seen;  // a mount may be mounted at a second place, too
  bool looked = false;
  for (const std::string& mount : mounts(system)) {
    std::map<std::string, Orphans> by_prefix;
    for (const std::string& name : system.list(mount.substr(1))) {
      const std::string prefix = prefix_of(name);
      const std::string path = mount.substr(1) + "/" + name;
      const std::optional<FileStatus> file = system.status(path);
      if (prefix.empty() || !file) continue;
      if (!seen.insert(file->id).second) continue;
      if (!looked) mapped = mapped_files(system);
      looked = true;
      Orphans& of = by_prefix[prefix];
      // EAL locks each of its files as long as it uses it, but with --legacy-mem. Its own clean-up
      // looks for the lock, too: a lock is seen from every container.
      if (mapped.count(file->id) > 0 || !system.is_unlocked(path)) {
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
           orphans.alone ? fmt::format("rm '{}/{}map_'*", mount, prefix)
                         : fmt::format("cd '{}' && rm {}", mount, fmt::join(orphans.files, " "))});
    }
  }
}

}  // namespace bab::doctor
