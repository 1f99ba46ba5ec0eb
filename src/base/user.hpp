#pragma once

#include <cstdint>

#include "system.hpp"

namespace bab::detail {

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

}  // namespace bab::detail
