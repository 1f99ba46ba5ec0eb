#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

#include <bab/message/flush_policy.hpp>

namespace bab {

struct WriterOptions {
  std::uint32_t payload_capacity = 0;  ///< bytes: wire::FrameHeader::payload_capacity(mtu)
  std::uint16_t header_size = 0;       ///< bytes: wire::FrameHeader::size()
  FlushPolicy flush{};
  std::uint32_t writer_id =
      0;  ///< goes along with the frames, to the sink and the flusher's counters
  /// Frames that are open, or sealed and not complete: 1 … kMostFrames. At the cap reserves fail
  /// until a Reservation is settled, so that a slow commit holds back its own writer and doesn't
  /// pin the pool.
  std::uint32_t max_frames = kMostFrames;
  static constexpr std::uint32_t kMostFrames = 16;
};

/// What a writer did; a shared one's Producer counts its own part. On the writer's lcore.
struct WriterStats {
  std::uint64_t frames = 0;    ///< complete, with at least one message
  std::uint64_t gathered = 0;  ///< of those, copied because of holes beside Packets
  /// Reserves that failed with kNoBuffer; one that waits counts once, however often it tries.
  std::uint64_t starved = 0;
  std::uint64_t capped = 0;  ///< with kTooManyFrames, likewise
  /// Sealed frames that were not complete and so held back those behind them; counted when they
  /// are.
  std::uint64_t stalls = 0;
  std::uint64_t stalled_tsc = 0;  ///< how long they did, in TSC ticks

  WriterStats& operator+=(const WriterStats& other) noexcept {
    frames += other.frames;
    gathered += other.gathered;
    starved += other.starved;
    capped += other.capped;
    stalls += other.stalls;
    stalled_tsc += other.stalled_tsc;
    return *this;
  }
};

}  // namespace bab
