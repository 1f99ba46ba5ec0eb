#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <bab/base/atom.hpp>
#include <bab/detail/check.hpp>
#include <bab/detail/ring_end.hpp>
#include <bab/detail/sanitizers.hpp>
#include <bab/detail/writer_waits.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>
#include <bab/message/frame_order.hpp>
#include <bab/message/frame_ring.hpp>
#include <bab/message/reservation.hpp>
#include <bab/message/reserve_line.hpp>
#include <bab/message/writer_options.hpp>
#include <bab/wire/frame_header.hpp>

namespace bab {

/// A writer for several lcores: their messages share its frames. Producers take no lock, don't wait
/// for each other, and may commit in any order. Each lcore has a Producer of its own; this class is
/// what the Producers share.
///
/// One word holds generation (24 bits) | messages (16) | bytes (24) of the open frame. A reserve is
/// one fetch_add on this word. If its bytes still fit, they are the caller's; the reserve that
/// crosses the frame's end closes the frame. The frame's `settled` counts what was committed or
/// aborted; the lcore that closes the frame subtracts the total from it, once. Only the
/// read-modify-write that brings `settled` to 0 completes the frame. After a frame was closed, any
/// reserve may open the next one. The claim to do so is held within one call only, never across a
/// wait, so that no lcore depends on another.
///
/// A message that is committed with fewer bytes, or aborted, leaves a hole. Holes are noted in the
/// two length bytes, which the writer owns until the frame is complete (in their top bits; hence
/// payloads of at most 16,383 bytes), and never in bytes that a Packet may see.
template <class Atom = RealAtom>
class BasicSharedWriter {
 public:
  class Producer;
  using Ring = BasicFrameRing<Atom>;
  using Order = BasicFrameOrder<Atom>;

  /// The largest WriterOptions::max_frames.
  static constexpr unsigned kMaxFrames = WriterOptions::kMaxFrames;
  static constexpr std::uint32_t kMaxPayload = 16'383;  ///< bytes of message blocks in a frame

  /// Throws Error: a frame doesn't fit the pool's buffers or kMaxPayload; the pool has fewer than 2
  /// buffers; a value in `options` is out of range.
  BasicSharedWriter(BufferPool& pool, const WriterOptions& options);
  BasicSharedWriter(const BasicSharedWriter&) = delete;
  BasicSharedWriter& operator=(const BasicSharedWriter&) = delete;
  /// All Producers must be gone; they flush at their end, so that no open frame holds a message.
  ~BasicSharedWriter();

  /// Longest message that fits a frame, in bytes.
  [[nodiscard]] std::uint32_t max_message() const noexcept { return max_message_; }
  /// Frames that are open, or closed and not yet complete. Any thread; a snapshot.
  [[nodiscard]] unsigned unfinished() const noexcept;

 private:
  friend Producer;
  template <class T>
  using Atomic = typename Atom::template Atomic<T>;

  static constexpr unsigned kBytesBits = 24;
  static constexpr unsigned kCountBits = 16;
  static constexpr std::uint64_t kOne = std::uint64_t{1} << kBytesBits;
  static constexpr std::uint64_t kBytesMask = kOne - 1;
  static constexpr std::uint64_t kGeneration = std::uint64_t{1} << (kBytesBits + kCountBits);
  /// More bytes than a frame can have: marks a closed frame.
  static constexpr std::uint64_t kClosed = kMaxPayload + 1;
  // An lcore reads the word before it adds: at most one add of each lcore overshoots a closed
  // frame.
  static_assert(kClosed + (RTE_MAX_LCORE + 1) * (65'535 + wire::kBlockLengthBytes) < kOne);
  static_assert(kMaxPayload / wire::kBlockLengthBytes + RTE_MAX_LCORE + 1 < (1U << kCountBits));

  /// Frames between two words, less than 2^24.
  static constexpr std::uint64_t frames_between(std::uint64_t from, std::uint64_t to) noexcept {
    return (to / kGeneration - from / kGeneration) %
           (std::uint64_t{1} << (64 - kBytesBits - kCountBits));
  }
  static constexpr std::uint32_t bytes(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(word & kBytesMask);
  }
  static constexpr std::uint32_t messages(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(word >> kBytesBits) & ((1U << kCountBits) - 1);
  }
  static constexpr std::uint64_t block(std::uint32_t len) noexcept {
    return kOne + wire::kBlockLengthBytes + len;
  }
  [[nodiscard]] bool is_open(std::uint64_t word) const noexcept {
    return bytes(word) <= options_.payload_capacity;
  }
  Atomic<rte_mbuf*>& slot(std::uint64_t word) noexcept {
    return frames_[(word / kGeneration) % kMaxFrames];
  }
  [[nodiscard]] std::uint8_t* payload(rte_mbuf* m) const noexcept {
    return static_cast<std::uint8_t*>(m->buf_addr) + RTE_PKTMBUF_HEADROOM + options_.header_size;
  }

  BufferPool& pool_;
  WriterOptions options_;
  std::uint32_t max_message_;
  std::shared_ptr<Order> order_ = std::make_shared<Order>();  // shared with its rings
  alignas(RTE_CACHE_LINE_SIZE) Atomic<std::uint64_t> word_{kClosed};
  alignas(RTE_CACHE_LINE_SIZE) Atomic<bool> opening_{false};  // an lcore brings the next buffer in
  std::uint64_t next_number_ = 0;                             // of the lcore that set opening_
  Atomic<std::uint64_t> deadline_{0};  // TSC time, of the open frame; 0: not armed
  alignas(RTE_CACHE_LINE_SIZE) std::array<Atomic<rte_mbuf*>, kMaxFrames> frames_{};
};

/// One lcore's access to a shared writer; all calls on this lcore. To wait: reserve_wait() and
/// flush_wait(), as for a LocalWriter. Messages of one lcore arrive in the order of its reserves.
template <class Atom>
class BasicSharedWriter<Atom>::Producer {
 public:
  using Reservation = BasicReservation<Producer>;
  static constexpr bool kTakesInline = false;  ///< see LocalWriter
  static constexpr bool kHandsOver = true;

  /// `out`: the ring from this lcore to the flusher; all rings of one shared writer must have the
  /// same flusher. The ring must hold all the pool's buffers. Other writers of this lcore may share
  /// it, as a LocalWriter's. Throws Error: the ring is too small or has another flusher; headers or
  /// frames differ in size from those of the ring's other writers and its flusher.
  Producer(BasicSharedWriter& writer, Ring& out);
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;
  /// Flushes. Settle all Reservations before.
  ~Producer();

  /// Reserves room for a message of `len` bytes. On failure, failure() of the result says why. It
  /// is also kNoBuffer while a reserve_wait() of this Producer waits, even if another lcore has
  /// opened a frame with room.
  [[nodiscard]] Reservation reserve(std::uint32_t len) noexcept {
    check_lcore();
    if (line_.admits(len)) [[likely]] {
      // Reads the word before it adds (see kClosed); the add needs the same cache line in any case.
      if (w_.is_open(w_.word_.load(std::memory_order_relaxed))) [[likely]] {
        // A40 R40: A40 pairs with open_frame()'s R40: the frame's slot and its BufferMeta are seen.
        const std::uint64_t before = w_.word_.fetch_add(block(len), std::memory_order_acq_rel);
        if (bytes(before) + wire::kBlockLengthBytes + len <= w_.options_.payload_capacity)
            [[likely]]
          return room(before, len);
        crossed(before);
      }
    }
    return reserve_slow(len);
  }

  [[nodiscard]] std::uint32_t max_message() const noexcept { return w_.max_message_; }

  /// Closes the open frame if it holds a message. All messages that this lcore committed are then
  /// on their way as soon as the other reservations in their frames are settled. Hands over
  /// complete frames.
  void flush() noexcept;

  /// Call it once per loop turn, with the TSC time. Closes the open frame when its deadline has
  /// come, or while others wait for the pool's buffers; hands over complete frames. Returns work
  /// done; 0: none.
  unsigned poll(std::uint64_t now_tsc) noexcept;

  /// True when no complete frame waits here to be handed over.
  [[nodiscard]] bool idle() const noexcept { return end_of_ring_.size() == 0; }
  [[nodiscard]] const WriterStats& stats() const noexcept { return stats_; }

 private:
  friend Reservation;
  friend detail::WriterWaits;

  // The two length bytes of a message until the frame is complete: kind << 14 | length.
  enum Kind : std::uint16_t {
    kWhole = 0,
    kAborted = 1,    // aborted; the length is the reserved one
    kOneUnused = 2,  // one unused byte follows the message
    kUnused = 3,     // two or more unused bytes follow; the first two hold their number
  };

  Reservation room(std::uint64_t before, std::uint32_t len) noexcept {
    // The caller's A40 makes the slot visible.
    rte_mbuf* m = w_.slot(before).load(std::memory_order_relaxed);
    std::uint8_t* data = w_.payload(m) + bytes(before) + wire::kBlockLengthBytes;
    last_ = before;
    if (messages(before) + 1 >= w_.options_.flush.max_messages) [[unlikely]]
      (void)close_open();
    return Reservation(this, m, data, len);
  }

  void check_lcore() noexcept {
    if constexpr (detail::kChecks) {
      if (lcore_ == LCORE_ID_ANY) lcore_ = rte_lcore_id();
      BAB_ASSERT(lcore_ == rte_lcore_id() && "a Producer was used on a second lcore");
    }
  }

  void settle(rte_mbuf* m, std::uint8_t* data, std::uint32_t len, std::uint32_t keep) noexcept {
    check_lcore();
    detail::tsan_comes(m);
    if (keep == len) [[likely]]
      put_length(data, kWhole, len);
    else
      put_short(m, data, len, keep);
    detail::tsan_leaves(m);
    if (settled(m, block(len))) [[unlikely]]
      complete_late(m);
  }
  void abort(rte_mbuf* m, std::uint8_t* data, std::uint32_t len) noexcept {
    check_lcore();
    detail::tsan_comes(m);
    put_length(data, kAborted, len);
    note_holes(m);
    detail::tsan_leaves(m);
    if (settled(m, block(len))) complete_late(m);
  }

  static void put_length(std::uint8_t* data, Kind kind, std::uint32_t len) noexcept {
    wire::store_be(data - wire::kBlockLengthBytes,
                   static_cast<std::uint16_t>(unsigned{kind} << 14 | len));
  }

  /// Adds to the frame's `settled`. True when it is 0 then: the frame is closed, and all its
  /// reservations are settled.
  static bool settled(rte_mbuf* m, std::uint64_t amount) noexcept {
    typename Atom::template Ref<std::uint64_t> counter(buffer_meta(m).settled);
    // A41 R41: pairs with itself on other lcores: the lcore that completes the frame sees all
    // messages.
    return counter.fetch_add(amount, std::memory_order_acq_rel) + amount == 0;
  }
  static void note_holes(rte_mbuf* m) noexcept {
    typename Atom::template Ref<std::uint8_t>(buffer_meta(m).holes)
        .store(1, std::memory_order_relaxed);
  }

  void put_short(rte_mbuf* m, std::uint8_t* data, std::uint32_t len, std::uint32_t keep) noexcept;
  Packet packet_of(rte_mbuf* m, const std::uint8_t* data, std::uint32_t len) noexcept;
  Reservation reserve_slow(std::uint32_t len) noexcept;
  /// `before`: the word that the add saw whose bytes didn't fit. The add that crossed the frame's
  /// end closes the frame.
  void crossed(std::uint64_t before) noexcept {
    if (w_.is_open(before)) closed(before);
  }
  void closed(std::uint64_t final_word) noexcept;
  bool close_open() noexcept;
  bool acquire(std::array<rte_mbuf*, 2>& buffers) noexcept;
  ReserveFailure open_frame() noexcept;
  void complete(rte_mbuf* m) noexcept;
  void complete_late(rte_mbuf* m) noexcept;
  [[nodiscard]] FlushMark begin_flush() noexcept;
  [[nodiscard]] bool has_flushed(FlushMark& mark) noexcept;
  [[nodiscard]] bool has_dropped(const FlushMark& mark, TaskNotes* task) noexcept;
  [[nodiscard]] ReserveLine& line() noexcept { return line_; }
  [[nodiscard]] BufferPool& pool() noexcept { return w_.pool_; }
  rte_mbuf* without_holes(rte_mbuf* m, rte_mbuf* spare) noexcept;
  unsigned hand_over() noexcept;
  void refill_batch() noexcept;

  BasicSharedWriter& w_;
  detail::RingEnd<Ring> end_of_ring_;
  // Complete frames behind a full batch for which the ring has no room; linked by `next`.
  rte_mbuf* more_ = nullptr;
  rte_mbuf* last_more_ = nullptr;
  unsigned lcore_ = LCORE_ID_ANY;  // kept for debug checks
  std::uint64_t last_ = 0;  // the word that the last reserve saw, with its frame's generation
  ReserveLine line_;
  WriterStats stats_;
};

#ifndef BAB_TSAN_MIXED  // with it, each translation unit compiles the inlined code itself
extern template class BasicSharedWriter<RealAtom>;
#endif
using SharedWriter = BasicSharedWriter<RealAtom>;

}  // namespace bab
