#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace bab::detail {

/// Throws Error where the `len` bytes at `address`, a part of pool `name`'s memory, reach past the
/// addresses that a SendPacket can keep.
void check_reach(const std::string& name, std::uintptr_t address, std::size_t len);

}  // namespace bab::detail
