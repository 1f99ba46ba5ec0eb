#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include <rte_mbuf.h>

#include <bab/memory/buffer_pool.hpp>
#include <bab/message/local_writer.hpp>

namespace bench {

inline bab::BufferPoolOptions pool_options(std::uint32_t buffers, std::uint16_t data_room,
                                           std::uint32_t cache = bab::BufferPoolOptions::kFitting) {
  static unsigned next = 0;
  bab::BufferPoolOptions o;
  o.name = "bench_" + std::to_string(next++);
  o.buffers = buffers;
  o.data_room = data_room;
  o.cache = cache;
  return o;
}

/// Room for frames of MTU 9000 with all headers.
constexpr std::uint16_t kJumboRoom = 9216;
constexpr std::uint16_t kHeaderBytes = 62;
constexpr std::uint32_t kFrameBytes = 8900;
constexpr std::uint32_t kPayloadBytes = kFrameBytes - kHeaderBytes;

/// Frees what is in a writer's ring: a sink with no port.
inline void free_frames(bab::FrameRing& ring) noexcept {
  std::array<rte_mbuf*, 32> frames;
  while (const unsigned n = ring.pop(frames))
    bab::BufferPool::release(std::span<rte_mbuf* const>(frames.data(), n));
}

}  // namespace bench
