#pragma once

#include <array>

#include <bab/message/local_writer.hpp>
#include <bab/wire/endian.hpp>

#include "message.hpp"
#include "one_lcore.hpp"
#include "opaque.hpp"
#include "pools.hpp"

namespace bench {

/// A LocalWriter whose frames are freed once per turn.
class WriterRig {
 public:
  explicit WriterRig(std::uint32_t len = 32) : message_(len) {}

 protected:
  void turn() noexcept {
    writer_.poll(0);
    free_frames(ring_);
  }

  void write(std::uint32_t len) noexcept {
    auto room = writer_.reserve(len);
    message_.copy_to(room.data(), len);
    room.commit();
  }

  /// The measured part of local_writer_32. Rows that add to this work have it as their floor.
  void write_all(benchmark::State& state) {
    std::uint32_t len = message_.size();
    hide(len);
    while (state.KeepRunningBatch(kTurn)) {
      for (std::int64_t i = 0; i < kTurn; ++i) write(len);
      turn();
    }
  }

  Message message_;
  bab::BufferPool pool_{pool_options(512, kJumboRoom)};
  bab::FrameRing ring_{512};
  bab::LocalWriter writer_{pool_, ring_, {kPayloadBytes, kHeaderBytes, {}, 0}};
};

/// Buffers that are written one after the other, again and again. There are as many as the writer
/// uses. Both sides therefore find them in the same cache.
class CyclingBuffers {
 public:
  CyclingBuffers() {
    for (rte_mbuf*& m : buffers_) m = pool_.try_acquire();
    next();
  }
  ~CyclingBuffers() { bab::BufferPool::release(std::span<rte_mbuf* const>(buffers_)); }

  /// Room for a message of `len` bytes, after the two bytes of its length.
  std::uint8_t* room(std::uint32_t len) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < len + 2) next();
    std::uint8_t* data = at_ + 2;
    at_ = data + len;
    return data;
  }

 private:
  void next() noexcept {
    turn_ = (turn_ + 1) % buffers_.size();
    at_ = rte_pktmbuf_mtod_offset(buffers_[turn_], std::uint8_t*, kHeaderBytes);
    end_ = at_ + kPayloadBytes;
  }

  bab::BufferPool pool_{pool_options(16, kJumboRoom)};
  std::array<rte_mbuf*, 4> buffers_;
  std::size_t turn_ = 0;
  std::uint8_t* at_ = nullptr;
  std::uint8_t* end_ = nullptr;
};

}  // namespace bench
