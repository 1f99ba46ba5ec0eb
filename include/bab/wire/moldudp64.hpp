#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <bab/wire/endian.hpp>

/// MoldUDP64 (NASDAQ, specification 1.00): the downstream packet, a UDP payload.
namespace bab::wire {

inline constexpr std::size_t kMoldBytes = 20;        ///< session 10, sequence number 8, count 2
inline constexpr std::size_t kBlockLengthBytes = 2;  ///< before each message, excluding itself
inline constexpr std::uint16_t kMoldHeartbeat = 0;   ///< count of a packet that only numbers
inline constexpr std::uint16_t kMoldEndOfSession = 0xffff;
inline constexpr std::uint16_t kMoldMaxCount = 0xfffe;
inline constexpr std::uint64_t kMoldFirstSequence = 1;

/// Ten raw bytes: receivers compare all of them, whatever they hold.
using Session = std::array<std::uint8_t, 10>;

/// A name of at most 10 characters, padded right with spaces; longer ones are cut.
[[nodiscard]] inline Session make_session(std::string_view name) noexcept {
  Session s;
  s.fill(' ');
  std::memcpy(s.data(), name.data(), name.size() < s.size() ? name.size() : s.size());
  return s;
}

struct MoldHeader {
  Session session;
  std::uint64_t sequence;  ///< of the first message; of the next one, where there is none
  std::uint16_t count;     ///< 1 … 65534; kMoldHeartbeat; kMoldEndOfSession

  [[nodiscard]] std::uint32_t messages() const noexcept {
    return count == kMoldEndOfSession ? 0 : count;
  }
};

inline void store_mold(std::uint8_t* at, const MoldHeader& h) noexcept {
  std::memcpy(at, h.session.data(), h.session.size());
  store_be(at + 10, h.sequence);
  store_be(at + 18, h.count);
}

[[nodiscard]] inline MoldHeader load_mold(const std::uint8_t* at) noexcept {
  MoldHeader h;
  std::memcpy(h.session.data(), at, h.session.size());
  h.sequence = load_be<std::uint64_t>(at + 10);
  h.count = load_be<std::uint16_t>(at + 18);
  return h;
}

/// True when `blocks` are `count` blocks of the size that the first one says. All lengths are
/// looked at, none to find the next: where each load waits for one from another core's cache
/// (256-byte messages over a ring port), this takes a third of the time of the walk from one to the
/// next.
[[nodiscard, gnu::noinline]] inline bool equal_blocks_fit(std::span<const std::uint8_t> blocks,
                                                          std::uint32_t count) noexcept {
  if (count == 0 || blocks.size() < kBlockLengthBytes) return false;
  const std::uint8_t* at = blocks.data();
  const auto load = [](const std::uint8_t* from) {
    std::uint16_t memory_order;
    std::memcpy(&memory_order, from, sizeof memory_order);
    return memory_order;
  };
  const std::size_t block = kBlockLengthBytes + load_be<std::uint16_t>(at);
  if (blocks.size() != count * block) return false;
  const std::uint16_t first = load(at);
  unsigned differences = 0;
  for (std::uint32_t i = 0; i < count; ++i, at += block) differences |= unsigned{load(at)} ^ first;
  return differences == 0;
}

/// True when `count` message blocks end exactly at the end of `blocks`. A packet is valid as a
/// whole or not at all: nothing may follow the last block, since decoders would read it as
/// messages.
[[nodiscard]] inline bool blocks_fit(std::span<const std::uint8_t> blocks,
                                     std::uint32_t count) noexcept {
  if (equal_blocks_fit(blocks, count)) return true;
  const std::uint8_t* at = blocks.data();
  std::size_t left = blocks.size();
  for (; count > 0; --count) {
    if (left < kBlockLengthBytes) return false;
    const std::size_t block = kBlockLengthBytes + load_be<std::uint16_t>(at);
    if (left < block) return false;
    at += block;
    left -= block;
  }
  return left == 0;
}

}  // namespace bab::wire
