#pragma once

#include <bab/detail/build.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include <rte_mbuf.h>

namespace bab {

class BufferHome;

/// A part of a frame that was reserved and not committed.
struct Hole {
  std::uint16_t offset;  ///< from the frame's first message block
  std::uint16_t len;
};

/// bab's part of a buffer, in the mbuf's private area:
///
///     rte_mbuf (128 B) | BufferMeta | headroom | [Eth VLAN IP UDP Mold] len msg len msg …
///                                               ^ one frame = one buffer = one mbuf
///
/// `home` and `id` are written once, when the pool is created, and any lcore may read them.
/// Everything else belongs to the lcore that builds the frame: the writer's until hand-over, then
/// the flusher's.
struct alignas(RTE_CACHE_LINE_SIZE) BufferMeta {
  /// A frame is sealed early before it has more unfinished reservations and holes than this. Each
  /// reservation can leave only one hole: `holes` never overflows. With 16, BufferMeta is two cache
  /// lines.
  static constexpr unsigned kMaxHoles = 16;

  BufferHome* home;
  std::uint32_t id;         ///< 0 … size of the pool - 1
  std::uint32_t writer_id;  ///< of the writer that built the frame
  union {
    std::uint64_t reserved;  ///< bytes; of a shared writer: its word
    void* order;  ///< of a complete frame: its shared writer's BasicFrameOrder; null: a local
                  ///< writer's
  };
  std::uint64_t settled;  ///< message count << 32 | bytes that were committed, aborted or cut off
  rte_mbuf* next;        ///< next in the owner's list; of a shared writer's frame: the spare buffer
  std::uint64_t number;  ///< position among its shared writer's frames
  std::uint32_t payload_len;
  std::uint16_t messages;
  std::uint8_t holes;
  bool packets_out;  ///< a Packet of this frame was made: its bytes may not move
  bool is_free;      ///< kept if the library has debug checks: finds a second release
  union {
    Hole hole[kMaxHoles];  ///< a local writer's
    std::uint64_t
        closed_tsc;  ///< a shared writer's, which notes holes elsewhere: when it was closed
  };
};

static_assert(sizeof(Hole) == 4);
static_assert(sizeof(BufferMeta) == 128);
static_assert(offsetof(BufferMeta, hole) <= RTE_CACHE_LINE_SIZE, "the counters share one line");

/// Begins to fetch the cache lines that a builder or reader of a frame in this buffer needs first:
/// the mbuf, its BufferMeta, the headers and the first message. Their addresses are known without a
/// look at the mbuf, which may itself be on its way. No other effect. For an mbuf that is not from
/// one of bab's pools it fetches lines that aren't needed. `kToWrite`: fetches them for writing, so
/// that other lcores lose their copies now.
template <bool kToWrite>
inline void prefetch_buffer(const rte_mbuf* m) noexcept {
  constexpr std::size_t kMeta = sizeof(rte_mbuf);
  constexpr std::size_t kHeaders = kMeta + sizeof(BufferMeta) + RTE_PKTMBUF_HEADROOM;
  const auto* at = reinterpret_cast<const std::uint8_t*>(m);
  for (const std::size_t line : {std::size_t{0}, kMeta, kHeaders, kHeaders + RTE_CACHE_LINE_SIZE})
    __builtin_prefetch(at + line, kToWrite ? 1 : 0);
  asm volatile("");  // GCC 12 leaves out calls of a function that only prefetches
}

/// The private area of an mbuf of one of bab's pools. Undefined for any other mbuf (ask
/// BufferPool::of()).
inline BufferMeta& buffer_meta(rte_mbuf* m) noexcept {
  return *static_cast<BufferMeta*>(rte_mbuf_to_priv(m));
}

}  // namespace bab
