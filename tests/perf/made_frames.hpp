#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <rte_mbuf.h>

#include <bab/memory/buffer_pool.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/wire/frame_header.hpp>

#include "message.hpp"
#include "pools.hpp"

namespace bench {

/// Frames full of messages, with headers and an IPv4 checksum, without a UDP checksum. A receiver
/// gets them again and again. This object holds a share of each frame.
class MadeFrames {
 public:
  MadeFrames(unsigned frames, std::uint32_t frame_bytes, std::uint32_t len)
      : pool_(pool_options(frames + 8, kJumboRoom, 0)) {
    const bab::wire::FrameHeader header({.udp_checksum = bab::wire::ChecksumBy::kNone});
    bab::FrameRing ring(pool_.size());
    bab::LocalWriter writer(pool_, ring, {frame_bytes - header.size(), header.size(), {}, 0});
    bab::WriteFlusher<Kept> flusher(kept_, header);
    flusher.add(ring);
    const Message message(len);
    while (kept_.frames.size() < frames) {
      if (auto room = writer.reserve(len)) {
        message.copy_to(room.data(), len);
        room.commit();
      }
      writer.poll(0);
      flusher.poll();
    }
    messages_ = bab::buffer_meta(kept_.frames.front()).messages;
  }
  MadeFrames(const MadeFrames&) = delete;
  MadeFrames& operator=(const MadeFrames&) = delete;
  ~MadeFrames() { bab::BufferPool::release(std::span<rte_mbuf* const>(kept_.frames)); }

  [[nodiscard]] std::span<rte_mbuf*> frames() noexcept { return kept_.frames; }
  [[nodiscard]] std::int64_t messages_per_frame() const noexcept { return messages_; }

 private:
  struct Kept {
    std::vector<rte_mbuf*> frames;
    unsigned send(std::span<rte_mbuf*> burst) noexcept {
      frames.insert(frames.end(), burst.begin(), burst.end());
      return static_cast<unsigned>(burst.size());
    }
  };

  bab::BufferPool pool_;
  Kept kept_;
  std::int64_t messages_ = 0;
};

}  // namespace bench
