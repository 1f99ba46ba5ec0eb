#pragma once

#include <bab/detail/build.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include <rte_mbuf.h>

namespace bab {

class BufferHome;

/// A stretch of a frame that was reserved and not committed.
struct Hole {
  std::uint16_t offset;  ///< from the frame's first message block
  std::uint16_t len;
};

/// bab's part of a buffer, in the mbuf's private area:
///
///     rte_mbuf (128 B) | BufferMeta | headroom | [Eth VLAN IP UDP Mold] len msg len msg …
///                                               ^ one frame = one buffer = one mbuf
///
/// `home` and `id` are written once, at the pool's creation, and read by any lcore. All else
/// belongs to whoever builds the frame: the writer's lcore until hand-over, then the flusher's.
struct alignas(RTE_CACHE_LINE_SIZE) BufferMeta {
  /// A frame is sealed early rather than have more unfinished reservations than this: each can
  /// leave one hole at most, so `holes` never overflows. 16 makes BufferMeta two cache lines.
  static constexpr unsigned kMaxHoles = 16;

  BufferHome* home;
  std::uint32_t id;         ///< 0 … size of the pool - 1
  std::uint32_t writer_id;  ///< who built the frame
  union {
    std::uint64_t reserved;  ///< bytes; a shared writer's: its word
    void* order;  ///< once the frame is complete: its shared writer's BasicFrameOrder; null: a
                  ///< local writer's
  };
  std::uint64_t settled;  ///< message count << 32 | bytes: what was committed, aborted or cut off
  rte_mbuf* next;         ///< next in the owner's list; a shared frame's buffer set aside
  std::uint64_t number;   ///< a shared writer's frames are numbered in their order
  std::uint32_t payload_len;
  std::uint16_t messages;
  std::uint8_t holes;
  bool packets_out;  ///< a Packet of this frame was given out: its bytes may not move
  bool is_free;      ///< kept where the library has debug checks: catches a second release
  union {
    Hole hole[kMaxHoles];  ///< a local writer's
    std::uint64_t
        closed_tsc;  ///< a shared writer's, which notes holes elsewhere: when it was closed
  };
};

static_assert(sizeof(Hole) == 4);
static_assert(sizeof(BufferMeta) == 128);
static_assert(offsetof(BufferMeta, hole) <= RTE_CACHE_LINE_SIZE, "the counters share one line");

/// Begins to fetch what whoever builds or reads a frame in this buffer needs first: the mbuf, its
/// BufferMeta, the headers and the first message. Where they are is known without a look at the
/// mbuf, which may itself be on its way. Does nothing else; on an mbuf that is not from one of
/// bab's pools it fetches what isn't needed. `kToWrite`: for writing, so that another lcore's
/// copies are given up now.
template <bool kToWrite>
inline void prefetch_buffer(const rte_mbuf* m) noexcept {
  constexpr std::size_t kMeta = sizeof(rte_mbuf);
  constexpr std::size_t kHeaders = kMeta + sizeof(BufferMeta) + RTE_PKTMBUF_HEADROOM;
  const auto* at = reinterpret_cast<const std::uint8_t*>(m);
  for (const std::size_t line : {std::size_t{0}, kMeta, kHeaders, kHeaders + RTE_CACHE_LINE_SIZE})
    __builtin_prefetch(at + line, kToWrite ? 1 : 0);
  asm volatile("");  // GCC 12 leaves out calls of a function that only prefetches
}

/// The private area of an mbuf of one of bab's pools. Undefined for any other (BufferPool::of
/// tells).
inline BufferMeta& buffer_meta(rte_mbuf* m) noexcept {
  return *static_cast<BufferMeta*>(rte_mbuf_to_priv(m));
}

}  // namespace bab
