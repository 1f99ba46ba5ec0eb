#pragma once

#include <cstdint>

#include "system.hpp"

namespace bab::detail {

/// The user that runs this process, from proc/self/status.
struct User {
  std::uint64_t uid = 0;
  std::uint64_t real_uid = 0;
  std::uint64_t capabilities = 0;  ///< the effective ones, one bit each
  [[nodiscard]] bool is_root() const noexcept { return uid == 0; }
  [[nodiscard]] bool has(unsigned capability) const noexcept {
    return (capabilities >> capability & 1) != 0;
  }
};
User user(const System& system);

}  // namespace bab::detail
