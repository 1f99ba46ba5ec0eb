#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bab::detail {

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
  /// That target as it is.
  [[nodiscard]] std::string target(const std::string& path) const;
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

}  // namespace bab::detail
