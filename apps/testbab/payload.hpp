#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include <rte_memcpy.h>

namespace testbab {

/// The payload of message `sequence`: its sequence number (as many of the 8 little-endian bytes as fit),
/// then random bytes from a place in a table that depends on it. Every byte is checked on receipt.
class Payload {
 public:
  Payload() : table_(&shared_table()) {}

  void fill(std::uint8_t* at, std::uint32_t len, std::uint64_t sequence) const noexcept {
    if (len >= sizeof sequence) [[likely]] {
      rte_memcpy(at, source(sequence), len);
      std::memcpy(at, &sequence, sizeof sequence);
    } else {
      std::memcpy(at, &sequence, len);
    }
  }

  [[nodiscard]] bool matches(std::span<const std::uint8_t> message,
                             std::uint64_t sequence) const noexcept {
    const std::uint8_t* at = message.data();
    std::size_t left = message.size();
    if (left < sizeof sequence) [[unlikely]]
      return std::memcmp(at, &sequence, left) == 0;
    std::uint64_t difference = word(at) ^ sequence;
    const std::uint8_t* expected = source(sequence);
    for (at += 8, expected += 8, left -= 8; left >= 8; at += 8, expected += 8, left -= 8)
      difference |= word(at) ^ word(expected);
    for (; left > 0; ++at, ++expected, --left)
      difference |= static_cast<std::uint64_t>(*at ^ *expected);
    return difference == 0;
  }

 private:
  // 512 starting places, then the longest message: a window that stays in the L1 cache for small ones.
  static constexpr std::size_t kPlaces = 512;
  using Table = std::array<std::uint64_t, kPlaces + 65536 / 8 + 1>;

  /// One for the whole program, read by all lcores.
  static const Table& shared_table() {
    static const std::unique_ptr<const Table> table = [] {
      auto made = std::make_unique<Table>();
      std::uint64_t x = 0x9e3779b97f4a7c15;  // splitmix64, any seed
      for (std::uint64_t& word : *made) {
        x += 0x9e3779b97f4a7c15;
        std::uint64_t z = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        word = z ^ (z >> 31);
      }
      return made;
    }();
    return *table;
  }

  static std::uint64_t word(const std::uint8_t* at) noexcept {
    std::uint64_t w;
    std::memcpy(&w, at, sizeof w);
    return w;
  }
  [[nodiscard]] const std::uint8_t* source(std::uint64_t sequence) const noexcept {
    return reinterpret_cast<const std::uint8_t*>(table_->data() + sequence % kPlaces);
  }

  const Table* table_;
};

}  // namespace testbab
