#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

#include <bab/message/flush_policy.hpp>

namespace bab {

struct WriterOptions {
  std::uint32_t payload_capacity = 0;  ///< bytes: wire::FrameHeader::payload_capacity(mtu)
  std::uint16_t header_size = 0;       ///< bytes: wire::FrameHeader::size()
  FlushPolicy flush{};
  std::uint32_t writer_id = 0;  ///< for the sink and for the flusher's counters
  /// Frames that are open, or sealed and not complete: 1 … kMaxFrames. At this limit reserves fail
  /// until a Reservation is settled: a slow commit holds back only its own writer, and doesn't pin
  /// the pool.
  std::uint32_t max_frames = kMaxFrames;
  static constexpr std::uint32_t kMaxFrames = 16;
};

/// Counters of a writer. Each Producer of a shared writer counts its own part. On the writer's
/// lcore.
struct WriterStats {
  std::uint64_t frames = 0;    ///< complete, with at least one message
  std::uint64_t gathered = 0;  ///< of these, copied because of holes beside Packets
  /// Reserves that failed with kNoBuffer. A reserve that waits counts once, however often it tries.
  std::uint64_t starved = 0;
  std::uint64_t capped = 0;  ///< the same with kTooManyFrames
  /// Sealed frames that were not complete, and held back the frames behind them; counted when they
  /// are complete.
  std::uint64_t stalls = 0;
  std::uint64_t stalled_tsc = 0;  ///< for how long, in TSC ticks

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
