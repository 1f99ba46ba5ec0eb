#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <bab/base/doctor.hpp>

namespace bab::doctor {

using Findings = std::vector<Finding>;
using Level = Finding::Level;

/// What the kernel tells in files. Paths are relative to the root: "sys/…", "proc/…".
class System {
 public:
  explicit System(std::filesystem::path root) : root_(std::move(root)) {}

  /// A file's text without spaces and line ends around it; empty optional: it can't be read.
  [[nodiscard]] std::optional<std::string> text(const std::string& path) const;
  [[nodiscard]] std::optional<std::uint64_t> number(const std::string& path, int base = 10) const;
  [[nodiscard]] std::vector<std::string> lines(const std::string& path) const;
  /// Names in a folder, sorted; none when it isn't there.
  [[nodiscard]] std::vector<std::string> list(const std::string& path) const;
  /// The last part of a symbolic link's target; empty: no link.
  [[nodiscard]] std::string link(const std::string& path) const;
  [[nodiscard]] bool exists(const std::string& path) const;
  /// Whether a user of this id, with no group's help, may read and write it.
  [[nodiscard]] bool is_usable_by(const std::string& path, std::uint64_t uid) const;

  [[nodiscard]] std::vector<unsigned> online_cpus() const;
  /// That a thread of this process may be put on: its cpuset's.
  [[nodiscard]] std::vector<unsigned> usable_cpus() const;
  /// That this thread is on: EAL's choice where no lcores are named.
  [[nodiscard]] std::vector<unsigned> own_cpus() const;

 private:
  /// Where the root is a test's.
  [[nodiscard]] std::vector<unsigned> allowed_in_files() const;

  std::filesystem::path root_;
};

/// How many more threads this process may start.
struct ThreadLimit {
  std::optional<std::uint64_t> room;  ///< empty: nothing limits them, as far as files say
  std::string name;                   ///< of the limit and what it is: "pids.max of cgroup /x is 3"
  std::string before, after;          ///< of the limit that is needed, in a mend
  std::uint64_t used = 0;
  [[nodiscard]] std::string text(std::uint64_t needed) const;
  [[nodiscard]] std::string mend(std::uint64_t needed) const;
};
ThreadLimit thread_limit(const System& system);

/// "0-3,8" and the like, as the kernel and EAL write sets of CPUs; nonsense ends it. 3-0 is no CPU or, `either_way`, 0-3.
std::vector<unsigned> parse_set(std::string_view text, bool either_way = false);
/// "1, 2 and 5" of numbers; also of words.
std::string enumerate(const std::vector<std::string>& items);
std::string enumerate(const std::vector<unsigned>& items);

/// The CPUs that the run's lcores may be on, the main one's included; EAL's own choice isn't looked up.
std::vector<unsigned> lcore_cpus(const Examination& what);

void examine_memory(const System& system, const Examination& what, Findings& findings);
void examine_nics(const System& system, const Examination& what, Findings& findings);
/// `wanted`: vfio-pci has a NIC or is offered one; `asked`: it has one that the run asks for.
void examine_iommu(const System& system, bool wanted, bool asked, Findings& findings);
void examine_interfaces(const System& system, const Examination& what, Findings& findings);
void examine_cpus(const System& system, const Examination& what, Findings& findings);
void examine_user(const System& system, const Examination& what, Findings& findings);
void examine_threads(const System& system, const Examination& what, Findings& findings);

/// Who runs this: proc/self/status.
struct User {
  std::uint64_t uid = 0;
  std::uint64_t real_uid = 0;
  std::uint64_t capabilities = 0;  ///< effective ones, a bit each
  [[nodiscard]] bool is_root() const noexcept { return uid == 0; }
  [[nodiscard]] bool has(unsigned capability) const noexcept {
    return (capabilities >> capability & 1) != 0;
  }
};
User user(const System& system);

}  // namespace bab::doctor
