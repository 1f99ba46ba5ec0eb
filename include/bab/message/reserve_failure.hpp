#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

namespace bab {

/// Why there was no room for a message.
enum class ReserveFailure : std::uint8_t {
  kNone,
  kNoBuffer,       ///< the pool is empty: try again later
  kTooLong,        ///< longer than Writer::max_message(): never fits
  kNoLcore,        ///< the calling thread has no lcore id (rte_thread_register gives one)
  kTooManyFrames,  ///< WriterOptions::max_frames are unfinished: try again when a Reservation is
                   ///< settled. Or the ring is full, since it doesn't hold the buffers of all its
                   ///< writers' pools: try again when its flusher has been polled
};

}  // namespace bab
