#pragma once

#include <bab/detail/build.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bab::wire {

/// The sum for the Internet checksum (RFC 1071) over `len` bytes at `data`. It is added in the
/// CPU's byte order, so that no word is swapped: the sum of byte-swapped words is the byte-swapped
/// sum (RFC 1071 §2 (B)). Returns a partial sum: add partial sums of even lengths with `+`, then
/// call fold().
[[nodiscard]] inline std::uint64_t sum_bytes(const std::uint8_t* data, std::size_t len) noexcept {
  std::uint64_t sum = 0;
  std::size_t i = 0;
  // Adds 32-bit words to a 64-bit sum: it can't overflow before 2^32 words, and the compiler
  // vectorises the loop.
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

/// The value of the checksum field. Store it with memcpy and not with store_be(): its bytes are in
/// network byte order already.
[[nodiscard]] inline std::uint16_t finish(std::uint64_t sum) noexcept {
  return static_cast<std::uint16_t>(~fold(sum));
}

/// `sum`: over data that includes its own checksum field. True when the checksum is right.
[[nodiscard]] inline bool sums_up(std::uint64_t sum) noexcept { return fold(sum) == 0xffff; }

}  // namespace bab::wire
