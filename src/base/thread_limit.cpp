#include "thread_limit.hpp"

#include <linux/capability.h>

#include <algorithm>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "user.hpp"

namespace bab::detail {
namespace {

void keep_lower(ThreadLimit& lowest, std::uint64_t most, std::uint64_t used, std::string name,
                std::string before, std::string after) {
  const std::uint64_t room = most > used ? most - used : 0;
  if (!lowest.room || room < *lowest.room)
    lowest = {room, std::move(name), std::move(before), std::move(after), used};
}

/// Looks at `cgroup` and at the mounted ones above it: a container sees its own cgroup at the top.
void look_at_cgroups(const System& system, const std::string& mount, std::string cgroup,
                     ThreadLimit& lowest) {
  while (true) {
    const std::string folder = cgroup == "/" ? mount : mount + cgroup;
    const auto most = system.number(folder + "/pids.max");  // none where it says "max"
    const auto used = system.number(folder + "/pids.current");
    if (most && used)
      keep_lower(
          lowest, *most, *used, fmt::format("pids.max of cgroup {} is {}", cgroup, *most), "echo ",
          fmt::format(" > /{}/pids.max, or give the container more (docker run --pids-limit)",
                      folder));
    if (cgroup.size() < 2) return;
    cgroup.erase(std::max<std::size_t>(cgroup.find_last_of('/'), 1));
  }
}

void look_at_cgroups(const System& system, ThreadLimit& lowest) {
  for (const std::string& line : system.lines("proc/self/cgroup")) {  // "8:pids:/x", "0::/x"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos || second + 1 >= line.size()) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string cgroup = line.substr(second + 1);
    if ((',' + controllers + ',').find(",pids,") != std::string::npos)
      look_at_cgroups(system, "sys/fs/cgroup/" + controllers, cgroup, lowest);
    else if (controllers.empty())
      for (const char* mount : {"sys/fs/cgroup", "sys/fs/cgroup/unified"})
        look_at_cgroups(system, mount, cgroup, lowest);
  }
}

/// How many threads a user has in all processes.
std::uint64_t threads_of(const System& system, std::uint64_t uid) {
  std::uint64_t all = 0;
  for (const std::string& name : system.list("proc")) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    bool theirs = false;
    for (const std::string& line : system.lines("proc/" + name + "/status")) {
      std::istringstream words(line);
      std::string word;
      std::uint64_t value = 0;
      words >> word >> value;
      if (word == "Uid:") theirs = value == uid;
      if (word == "Threads:" && theirs) all += value;
    }
  }
  return all;
}

/// ulimit -u limits a user's threads in all processes. It doesn't limit root, or a user with
/// CAP_SYS_RESOURCE or CAP_SYS_ADMIN.
void look_at_the_user(const System& system, ThreadLimit& lowest) {
  const User who = user(system);
  if (who.real_uid == 0 || who.has(CAP_SYS_RESOURCE) || who.has(CAP_SYS_ADMIN)) return;
  constexpr std::string_view kLimit = "Max processes";
  for (const std::string& line : system.lines("proc/self/limits")) {
    if (!line.starts_with(kLimit)) continue;
    std::istringstream words(line.substr(kLimit.size()));
    std::uint64_t most = 0;
    if (words >> most)
      keep_lower(lowest, most, threads_of(system, who.real_uid),
                 fmt::format("user {} may have {} threads (ulimit -u)", who.real_uid, most),
                 "ulimit -u ", " (nproc in /etc/security/limits.conf)");
  }
}

}  // namespace

std::string ThreadLimit::text(std::uint64_t needed) const {
  return fmt::format("{} more thread{} {} needed, and there is room for {}: {}", needed,
                     needed == 1 ? "" : "s", needed == 1 ? "is" : "are", room.value_or(0), name);
}

std::string ThreadLimit::mend(std::uint64_t needed) const {
  return fmt::format("{}{}{}", before, used + needed, after);
}

ThreadLimit thread_limit(const System& system) {
  ThreadLimit lowest;
  look_at_cgroups(system, lowest);
  look_at_the_user(system, lowest);
  return lowest;
}

}  // namespace bab::detail
