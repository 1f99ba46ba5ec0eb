#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bab::detail {

/// A file, whatever its name: its device as "00:2e" and its inode, as /proc/locks writes them.
struct FileId {
  std::string device, inode;
  friend auto operator<=>(const FileId&, const FileId&) = default;
};

struct FileStatus {
  FileId id;
  std::uint64_t bytes;  ///< its length
};

/// Reads what the kernel shows in files. Paths are relative to the root: "sys/…", "proc/…".
class System {
 public:
  explicit System(std::filesystem::path root) : root_(std::move(root)) {}

  /// The text of a file, without blanks and line ends around it. Empty optional: it can't be read.
  [[nodiscard]] std::optional<std::string> text(const std::string& path) const;
  [[nodiscard]] std::optional<std::uint64_t> number(const std::string& path, int base = 10) const;
  [[nodiscard]] std::vector<std::string> lines(const std::string& path) const;
  /// Names of the files in a folder, sorted; empty if there is no such folder.
  [[nodiscard]] std::vector<std::string> list(const std::string& path) const;
  /// The last part of a symbolic link's target; empty: it is no link.
  [[nodiscard]] std::string link(const std::string& path) const;
  /// The whole target.
  [[nodiscard]] std::string target(const std::string& path) const;
  [[nodiscard]] bool exists(const std::string& path) const;
  /// Empty optional: there is no such file.
  [[nodiscard]] std::optional<FileStatus> status(const std::string& path) const;
  /// No process has a lock (flock) on the file; false, too, if this process may not ask. Takes the
  /// lock for a moment.
  [[nodiscard]] bool is_unlocked(const std::string& path) const;
  /// Whether the user of this id may read and write the file. Permissions of groups don't count.
  [[nodiscard]] bool is_usable_by(const std::string& path, std::uint64_t uid) const;

  [[nodiscard]] std::vector<unsigned> online_cpus() const;
  /// CPUs that a thread of this process may be put on: those of its cpuset.
  [[nodiscard]] std::vector<unsigned> usable_cpus() const;
  /// CPUs of this thread's affinity: EAL uses them if no option names lcores.
  [[nodiscard]] std::vector<unsigned> own_cpus() const;

 private:
  /// For a root other than "/", as tests have.
  [[nodiscard]] std::vector<unsigned> allowed_in_files() const;

  std::filesystem::path root_;
};

}  // namespace bab::detail
