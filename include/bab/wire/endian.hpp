#pragma once

#include <bab/detail/build.hpp>

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace bab::wire {

/// Reads a number in network byte order (big-endian) at `at`, which may be unaligned: one load and
/// a byte swap.
template <std::unsigned_integral T>
[[nodiscard]] inline T load_be(const std::uint8_t* at) noexcept {
  T v;
  std::memcpy(&v, at, sizeof v);
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) return v;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(v);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(v);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(v);
}

/// Writes `v` in network byte order (big-endian) at `at`, which may be unaligned.
template <std::unsigned_integral T>
inline void store_be(std::uint8_t* at, T v) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    if constexpr (sizeof(T) == 2) v = __builtin_bswap16(v);
    if constexpr (sizeof(T) == 4) v = __builtin_bswap32(v);
    if constexpr (sizeof(T) == 8) v = __builtin_bswap64(v);
  }
  std::memcpy(at, &v, sizeof v);
}

}  // namespace bab::wire
