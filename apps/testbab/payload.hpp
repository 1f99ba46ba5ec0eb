#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>

#include <rte_memcpy.h>

namespace testbab {

/// The part of a message that is written, and checked when the message comes.
enum class PayloadPart : std::uint8_t {
  kAll,
  kNumber,  ///< its first 8 bytes; the others stay as they are in the buffer, as in testpmd's
            ///< txonly
};

/// The payload of message `sequence`: its sequence number (as many of the 8 little-endian bytes as
/// fit), then random bytes. A table has these, and the sequence number says from where. Every byte
/// of the part is checked on receipt.
class Payload {
 public:
  explicit Payload(PayloadPart part = PayloadPart::kAll)
      : table_(&shared_table()),
        most_(part == PayloadPart::kAll ? std::numeric_limits<std::uint32_t>::max()
                                        : sizeof(std::uint64_t)) {}

  /// Returns the bytes that it wrote.
  std::uint32_t fill(std::uint8_t* at, std::uint32_t len, std::uint64_t sequence) const noexcept {
    if (len < sizeof sequence) [[unlikely]] {
      std::memcpy(at, &sequence, len);
      return len;
    }
    const std::uint32_t part = std::min(len, most_);
    if (part > sizeof sequence) fill_all(at, part, sequence);
    std::memcpy(at, &sequence, sizeof sequence);
    return part;
  }

  [[nodiscard]] bool matches(std::span<const std::uint8_t> message,
                             std::uint64_t sequence) const noexcept {
    const std::uint8_t* at = message.data();
    const std::size_t len = std::min<std::size_t>(message.size(), most_);
    if (len < sizeof sequence) [[unlikely]]
      return len == 0 || std::memcmp(at, &sequence, len) == 0;
    return load<std::uint64_t>(at) == sequence &&
           same(at + sizeof sequence, source(sequence) + sizeof sequence, len - sizeof sequence);
  }

 private:
  // 512 starting places, then the longest message. With small messages all of it stays in the L1
  // cache.
  static constexpr std::size_t kPlaces = 512;
  using Table = std::array<std::uint64_t, kPlaces + 65536 / 8 + 1>;

  [[gnu::noinline]] void fill_all(std::uint8_t* at, std::uint32_t len,
                                  std::uint64_t sequence) const noexcept {
    rte_memcpy(at, source(sequence), len);
  }

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

  // In as few steps as the length allows; the last step overlaps the one before. memcmp is a call,
  // which costs more than all else that is done for a small message.
  using Words2 = std::uint64_t __attribute__((vector_size(16)));
  using Words4 = std::uint64_t __attribute__((vector_size(32)));

  template <class T>
  static T load(const std::uint8_t* at) noexcept {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  template <class T>
  static T difference(const std::uint8_t* a, const std::uint8_t* b, std::size_t at) noexcept {
    return load<T>(a + at) ^ load<T>(b + at);
  }
  static bool same(const std::uint8_t* a, const std::uint8_t* b, std::size_t len) noexcept {
    if (len >= sizeof(Words4)) {
      Words4 d = difference<Words4>(a, b, len - sizeof d);
      for (std::size_t i = 0; i + sizeof d < len; i += sizeof d) d |= difference<Words4>(a, b, i);
      return (d[0] | d[1] | d[2] | d[3]) == 0;
    }
    if (len >= sizeof(Words2)) {
      const Words2 d = difference<Words2>(a, b, 0) | difference<Words2>(a, b, len - sizeof(Words2));
      return (d[0] | d[1]) == 0;
    }
    if (len >= sizeof(std::uint64_t))
      return (difference<std::uint64_t>(a, b, 0) |
              difference<std::uint64_t>(a, b, len - sizeof(std::uint64_t))) == 0;
    for (std::size_t i = 0; i < len; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

  [[nodiscard]] const std::uint8_t* source(std::uint64_t sequence) const noexcept {
    return reinterpret_cast<const std::uint8_t*>(table_->data() + sequence % kPlaces);
  }

  const Table* table_;
  std::uint32_t most_;  // bytes of a message
};

}  // namespace testbab
