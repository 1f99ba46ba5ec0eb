#pragma once

#include <cstddef>
#include <cstdint>

namespace bab::detail {

// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), in the machine's byte order, which the file's
// head tells.

/// Nanoseconds since 1970, as rte_pcapng's interfaces use them; the upper half comes first in
/// either byte order.
struct PcapngTime {
  std::uint32_t upper, lower;

  void set(std::uint64_t time) noexcept {
    upper = static_cast<std::uint32_t>(time >> 32);
    lower = static_cast<std::uint32_t>(time);
  }
  [[nodiscard]] std::uint64_t get() const noexcept { return std::uint64_t{upper} << 32 | lower; }
};

/// The beginning of an Enhanced Packet Block.
struct PcapngPacket {
  std::uint32_t type, length, interface;
  PcapngTime time;
};
static_assert(offsetof(PcapngPacket, time) == 12);

template <class T>
struct PcapngOption {
  std::uint16_t code;
  std::uint16_t length = sizeof(T);
  T value{};
};

/// 64 bits that need only an alignment of 4 bytes.
struct PcapngCount {
  std::uint32_t words[2];
  void set(std::uint64_t count) noexcept { __builtin_memcpy(words, &count, sizeof words); }
};

/// An Interface Statistics Block: what became of a port's frames.
struct PcapngCounts {
  std::uint32_t type = 5;
  std::uint32_t length = sizeof(PcapngCounts);
  std::uint32_t interface;
  PcapngTime time{};
  PcapngOption<PcapngTime> start{.code = 2}, end{.code = 3};
  PcapngOption<PcapngCount> received{.code = 4}, dropped{.code = 5};
  std::uint32_t no_more_options = 0;
  std::uint32_t length_again = sizeof(PcapngCounts);
};
static_assert(sizeof(PcapngCounts) == 20 + 4 * (4 + 8) + 4 + 4);

}  // namespace bab::detail
