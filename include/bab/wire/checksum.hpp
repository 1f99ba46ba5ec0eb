#pragma once

#include <bab/detail/build.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bab::wire {

/// The Internet checksum (RFC 1071) over bytes in memory order: sums are kept in native order,
/// where they are the byte-swapped big-endian sums, so that nothing is swapped while summing (§2
/// (B)). A partial sum; add partial sums of even lengths with `+`, then fold().
[[nodiscard]] inline std::uint64_t sum_bytes(const std::uint8_t* data, std::size_t len) noexcept {
  std::uint64_t sum = 0;
  std::size_t i = 0;
  // 32-bit words into a 64-bit sum: no carry to chase before 2^32 words, and it vectorises.
  for (; i + 4 <= len; i += 4) {
    std::uint32_t word;
    std::memcpy(&word, data + i, 4);
    sum += word;
  }
  if (i < len) {
    std::uint32_t tail = 0;
    std::memcpy(&tail, data + i, len - i);
    sum += tail;
  }
  return sum;
}

/// Folds a sum to 16 bits with end-around carry.
[[nodiscard]] inline std::uint16_t fold(std::uint64_t sum) noexcept {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

/// The checksum field's value, in memory order: store it with memcpy, not store_be.
[[nodiscard]] inline std::uint16_t finish(std::uint64_t sum) noexcept {
  return static_cast<std::uint16_t>(~fold(sum));
}

/// True when data that includes its own checksum field adds up.
[[nodiscard]] inline bool sums_up(std::uint64_t sum) noexcept { return fold(sum) == 0xffff; }

}  // namespace bab::wire
