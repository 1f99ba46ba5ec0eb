#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "system.hpp"

namespace bab::detail {

/// How many more threads this process may start, and by which limit.
struct ThreadLimit {
  std::optional<std::uint64_t> room;  ///< empty: the files show no limit
  std::string name;                   ///< name and value of the limit: "pids.max of cgroup /x is 3"
  std::string before, after;          ///< text before and after the value that a mend sets
  std::uint64_t used = 0;
  [[nodiscard]] std::string text(std::uint64_t needed) const;
  [[nodiscard]] std::string mend(std::uint64_t needed) const;
};
ThreadLimit thread_limit(const System& system);

}  // namespace bab::detail
