#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "system.hpp"

namespace bab::detail {

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

}  // namespace bab::detail
