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

inline constexpr std::size_t kMoldBytes = 20;  ///< session 10, sequence number 8, count 2
inline constexpr std::size_t kBlockLengthBytes =
    2;  ///< the length before each message, which counts the message only
inline constexpr std::uint16_t kMoldHeartbeat =
    0;  ///< count of a heartbeat: no message, only the next sequence number
inline constexpr std::uint16_t kMoldEndOfSession = 0xffff;
inline constexpr std::uint16_t kMoldMaxCount = 0xfffe;
inline constexpr std::uint64_t kMoldFirstSequence = 1;

/// A session's name: 10 raw bytes of any value. Receivers compare all of them.
using Session = std::array<std::uint8_t, 10>;

/// The session `name`: at most 10 characters, padded with spaces on the right. A longer name is
/// cut.
[[nodiscard]] inline Session make_session(std::string_view name) noexcept {
  Session s;
  s.fill(' ');
  std::memcpy(s.data(), name.data(), name.size() < s.size() ? name.size() : s.size());
  return s;
}

struct MoldHeader {
  Session session;
  std::uint64_t sequence;  ///< of the first message; where there is none, of the next one
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

/// True when `blocks` holds exactly `count` blocks, all with the length of the first one. The loop
/// loads all lengths independently. A walk from block to block must wait for each length before it
/// can load the next one; where lengths come from another core's cache (256-byte messages over a
/// ring port), the walk takes three times as long.
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

/// True when `blocks` holds exactly `count` whole message blocks. A packet is valid as a whole or
/// not at all: nothing may follow the last block, since decoders would read it as messages.
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
