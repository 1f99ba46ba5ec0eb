#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
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

/// A pool whose caches the calling lcore may use at once. In a loop, an lcore may use them after
/// its first turn.
struct OpenPool : bab::BufferPool {
  explicit OpenPool(const bab::BufferPoolOptions& options) : BufferPool(options) { relieve(); }
};

/// A pool of DPDK's, with caches of testpmd's size, for the other side of a comparison.
class PlainPool {
 public:
  PlainPool(std::uint32_t buffers, std::uint16_t data_room)
      : mempool_(rte_pktmbuf_pool_create(pool_options(0, 0).name.c_str(), buffers,
                                         std::min(250U, buffers / 4), sizeof(bab::BufferMeta),
                                         data_room, SOCKET_ID_ANY)) {
    if (!mempool_) throw std::runtime_error("no memory for a plain pool");
  }
  [[nodiscard]] rte_mempool* mempool() const noexcept { return mempool_.get(); }

 private:
  struct Free {
    void operator()(rte_mempool* mempool) const noexcept { rte_mempool_free(mempool); }
  };
  std::unique_ptr<rte_mempool, Free> mempool_;
};

/// Room for a frame with an MTU of 9000 and all headers.
constexpr std::uint16_t kJumboRoom = 9216;
constexpr std::uint16_t kHeaderBytes = 62;
constexpr std::uint32_t kFrameBytes = 8900;
constexpr std::uint32_t kPayloadBytes = kFrameBytes - kHeaderBytes;

/// Frees the frames in a writer's ring, in place of a sink with a port.
inline void free_frames(bab::FrameRing& ring) noexcept {
  std::array<rte_mbuf*, 32> frames;
  while (const unsigned n = ring.pop(frames))
    bab::BufferPool::release(std::span<rte_mbuf* const>(frames.data(), n));
}

}  // namespace bench
