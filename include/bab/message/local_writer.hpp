#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string>

#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <bab/base/atom.hpp>
#include <bab/detail/check.hpp>
#include <bab/detail/ring_end.hpp>
#include <bab/detail/sanitizers.hpp>
#include <bab/detail/writer_waits.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>
#include <bab/message/frame_ring.hpp>
#include <bab/message/reservation.hpp>
#include <bab/message/reserve_line.hpp>
#include <bab/message/writer_options.hpp>
#include <bab/wire/frame_header.hpp>

namespace bab {

/// Packs messages into frames on one lcore: reserve, fill in place, commit. Complete frames go to a
/// ring, in the order of their reservations, for a WriteFlusher on this lcore or another.
///
/// To wait: reserve_wait(writer, len) of bab/message/reserve_wait.hpp, flush_wait(writer) of
/// bab/message/flush_wait.hpp.
///
/// A reserve moves the frame's cursor `at_` on. A commit in the order of the reservations moves
/// `settled_` after it; the bytes of other commits are added up separately. A frame is complete
/// when both sums reach the cursor, in whatever order the commits came. A reservation that is
/// committed with fewer bytes, or aborted, leaves a hole. Holes are closed when the frame is
/// complete: in place, unless a Packet of the frame was given out. Then the wire gets a gathered
/// copy, in a buffer that was set aside when the frame was opened. An empty frame is never sent:
/// receivers would take it for a heartbeat.
///
/// All calls on one lcore, the first one that reserves. When that lcore has stopped, any thread may
/// destroy the writer. Nothing throws after construction.
///
/// With `kFlushes` false it is a NoFlushWriter, whose frames go nowhere.
template <class Atom = RealAtom, bool kFlushes = true>
class BasicLocalWriter {
 public:
  using Reservation = BasicReservation<BasicLocalWriter>;
  using Ring = BasicFrameRing<Atom>;
  /// For ReserveWait: has_room() and take() are a few inlined instructions, and take() can't fail
  /// after has_room().
  static constexpr bool kTakesInline = true;
  static constexpr bool kHandsOver = kFlushes;  ///< its frames go to a flusher: flush_wait() works

  /// `out` must hold all the pool's buffers (capacity >= pool.size()). Writers of one lcore may
  /// share a ring. If it doesn't hold the buffers of all their pools, complete frames wait in the
  /// writer while the ring is full. Throws Error: a frame doesn't fit the pool's buffers; the pool
  /// has fewer than 2 buffers; the ring is too small; a value in `options` is out of range; headers
  /// or frames differ in size from those of the ring's other writers and its flusher.
  BasicLocalWriter(BufferPool& pool, Ring& out, const WriterOptions& options) requires kFlushes
      : BasicLocalWriter(pool, &out, options) {}
  /// A NoFlushWriter. payload_capacity 0: as many bytes as the pool's buffers hold. Throws Error
  /// when payload_capacity is more than that, or another option is out of range.
  explicit BasicLocalWriter(BufferPool& pool, const WriterOptions& options = {}) requires(!kFlushes)
      : BasicLocalWriter(pool, nullptr, options) {}
  BasicLocalWriter(const BasicLocalWriter&) = delete;
  BasicLocalWriter& operator=(const BasicLocalWriter&) = delete;
  /// Hands over committed messages. Settle all Reservations before.
  ~BasicLocalWriter();

  /// Reserves room for a message of `len` bytes. On failure, failure() of the result says why.
  [[nodiscard]] Reservation reserve(std::uint32_t len) noexcept {
    if (!has_room(len)) [[unlikely]] {
      if (const ReserveFailure f = make_room(len); f != ReserveFailure::kNone)
        return Reservation(f);
    }
    // The Reservation is made here, in inlined code: one that a call returned would have to be in
    // memory.
    return take(len);
  }

  /// Longest message that fits a frame, in bytes.
  [[nodiscard]] std::uint32_t max_message() const noexcept { return max_message_; }

  /// A sentence for people: why reserve(len) failed with kTooLong, with both sizes in bytes.
  [[nodiscard]] std::string too_long_text(std::uint32_t len) const;

  /// Seals the open frame if it holds a committed message and hands over all complete frames.
  void flush() noexcept {
    if (committed() > 0) seal();
    go_on();
  }

  /// Call it once per loop turn, with the TSC time. Seals a frame that has reached its deadline;
  /// gives back buffers that the writer needn't hold while others wait for the pool's buffers;
  /// hands over complete frames. Returns work done; 0: none.
  unsigned poll(std::uint64_t now_tsc) noexcept {
    if (pool_.awaited()) [[unlikely]] {
      let_go();
    } else if (options_.flush.max_delay_tsc != 0 && committed() > 0) {
      if (deadline_ == 0)
        deadline_ = options_.flush.deadline(now_tsc);
      else if (now_tsc >= deadline_)
        seal();
    }
    if (frame_ == nullptr) pool_.prefetch_next();
    return end_of_ring_.size() + waiting_ == 0 ? 0 : go_on();
  }

  /// True when nothing is reserved, and all committed messages are handed over.
  [[nodiscard]] bool idle() const noexcept {
    return at_ == begin_ && waiting_ == 0 && end_of_ring_.size() == 0;
  }

  [[nodiscard]] const WriterStats& stats() const noexcept { return stats_; }

 private:
  friend Reservation;
  friend detail::WriterWaits;

  BasicLocalWriter(BufferPool& pool, Ring* out, const WriterOptions& options);

  /// An address as a number: where the bytes of a message are or would be, behind its 2-byte
  /// length.
  using Address = std::uintptr_t;
  static Address address_of(const std::uint8_t* data) noexcept {
    return reinterpret_cast<Address>(data);
  }

  /// BufferMeta::settled counts messages in its upper 32 bits and bytes in its lower 32 bits.
  static constexpr std::uint64_t kOneMessage = std::uint64_t{1} << 32;
  static constexpr std::uint64_t block(std::uint32_t len) noexcept {
    return wire::kBlockLengthBytes + std::uint64_t{len};
  }

  /// Whether the open frame takes a message of `len` bytes now.
  [[nodiscard]] bool has_room(std::uint32_t len) noexcept {
    return at_ + block(len) <= end_ && (at_ == settled_ || !busy());
  }

  /// Committed messages of the open frame.
  [[nodiscard]] std::uint32_t committed() const noexcept {
    return options_.flush.max_messages - left_;
  }
  [[nodiscard]] std::uint32_t unfinished() const noexcept;
  [[nodiscard]] bool busy() noexcept;

  void check_lcore() const noexcept {
    BAB_ASSERT(lcore_ == rte_lcore_id() && "a LocalWriter was used on a second lcore");
  }

  /// Cache lines are prefetched for writing this many bytes before they are needed. Another lcore
  /// read them last, and a store that waits for its line holds up all stores behind it. (e2e_32:
  /// 6.0 ns without, 4.6 with; e2e_64: 8.9 and 7.2.) At a jumbo frame's end, some of these lines
  /// belong to the next buffer in memory. A limit at the frame's end would cost each message four
  /// instructions instead of one.
  static constexpr Address kFetchAhead = 512;

  Reservation take(std::uint32_t len) noexcept {
    check_lcore();
    if (at_ != settled_) [[unlikely]]
      nest(len);
    auto* data = reinterpret_cast<std::uint8_t*>(at_);
    at_ += block(len);
    __builtin_prefetch(reinterpret_cast<const void*>(at_ + kFetchAhead), 1);
    detail::tsan_comes(frame_);
    detail::asan_unpoison(data - wire::kBlockLengthBytes, block(len));
    return Reservation(this, nullptr, data, len);  // frame_of() finds the frame when needed
  }

  /// Publishes `keep` of the `len` bytes at `data`.
  void settle(rte_mbuf* /*none*/, std::uint8_t* data, std::uint32_t len,
              std::uint32_t keep) noexcept {
    if (address_of(data) != settled_ || keep != len) [[unlikely]] {
      if constexpr (detail::kTsanMixed) detail::tsan_leaves(frame_of(data));
      return settle_slow(data, len, keep);
    }
    check_lcore();
    wire::store_be(data - wire::kBlockLengthBytes, static_cast<std::uint16_t>(len));
    detail::tsan_leaves(frame_);
    settled_ = address_of(data) + block(len);
    if (--left_ == 0) [[unlikely]]
      seal();
  }

  ReserveFailure make_room(std::uint32_t len) noexcept;
  void settle_slow(std::uint8_t* data, std::uint32_t len, std::uint32_t keep) noexcept;
  void abort(rte_mbuf* /*none*/, std::uint8_t* data, std::uint32_t len) noexcept {
    if constexpr (detail::kTsanMixed) detail::tsan_leaves(frame_of(data));
    take_back(data, len);
  }
  void take_back(std::uint8_t* data, std::uint32_t len) noexcept;
  [[nodiscard]] rte_mbuf* frame_of(const std::uint8_t* data) const noexcept;
  void nest(std::uint32_t len) noexcept;
  void end_block(rte_mbuf* frame, std::uint8_t* data, std::uint32_t len,
                 std::uint32_t unused) noexcept;
  void note_hole(rte_mbuf* frame, std::uint8_t* end, std::uint32_t bytes) noexcept;
  void settle_late(rte_mbuf* frame) noexcept;
  Packet packet_of(rte_mbuf* /*none*/, const std::uint8_t* data, std::uint32_t len) noexcept {
    Account* account = address_of(data) == settled_ ? packets_ : nullptr;
    if (account == nullptr) [[unlikely]]
      account = &account_of(frame_of(data));
    return PacketSource::more(*account, data, len);  // inlined: the Packet stays out of memory
  }
  Account& account_of(rte_mbuf* frame) noexcept;

  [[gnu::always_inline]] inline ReserveFailure open_frame() noexcept;
  [[nodiscard, gnu::always_inline]] rte_mbuf* acquire() noexcept {
    return line_.serves() ? pool_.take_served() : pool_.try_acquire();
  }
  bool set_spares_aside() noexcept;
  void keep_spares(std::uint32_t wanted) noexcept;
  void starve() noexcept;
  void let_go() noexcept;
  void begin_at(Address begin, Address end) noexcept;
  void close() noexcept;
  void seal() noexcept;
  [[gnu::always_inline]] inline void finish(rte_mbuf* m) noexcept;
  rte_mbuf* close_holes(rte_mbuf* m) noexcept;
  void begin_stall() noexcept;
  void end_stall() noexcept;
  [[nodiscard]] FlushMark begin_flush() noexcept;
  [[nodiscard]] bool has_flushed(FlushMark& mark) noexcept;
  [[nodiscard]] bool has_dropped(const FlushMark& mark, TaskNotes* task) noexcept;
  [[nodiscard]] ReserveLine& line() noexcept { return line_; }
  [[nodiscard]] BufferPool& pool() noexcept { return pool_; }
  unsigned hand_over() noexcept;
  unsigned go_on() noexcept;
  void finish_waiting() noexcept;
  /// A full batch means that the ring is full, too, because its reader is behind: complete frames
  /// wait here.
  [[nodiscard]] bool batch_has_room() noexcept {
    return end_of_ring_.has_room() || hand_over() > 0;
  }
  [[nodiscard]] static bool settled(rte_mbuf* m) noexcept {
    return buffer_meta(m).reserved == static_cast<std::uint32_t>(buffer_meta(m).settled);
  }
  [[nodiscard]] std::uint8_t* payload(rte_mbuf* m) const noexcept {
    return static_cast<std::uint8_t*>(m->buf_addr) + RTE_PKTMBUF_HEADROOM + options_.header_size;
  }

  // The open frame. Without one, end_ is 0, and every reserve takes the slow path.
  Address at_ = 0;          // of the next message
  Address end_ = 0;         // limit of at_
  Address settled_ = 0;     // all that was reserved before it is settled
  std::uint32_t left_ = 0;  // committed messages until the frame is sealed
  std::uint32_t late_ = 0;  // bytes behind settled_ that were settled out of order
  Address begin_ = 0;       // of the first message
  // Of nested reservations (several unfinished at a time), while settled_ is before nested_until_:
  Address nested_until_ = 0;  // the end of the last one
  std::uint32_t nested_ = 0;  // reserved in the frame up to there, without aborted ones
  std::uint32_t holes_ = 0;
  rte_mbuf* frame_ = nullptr;
  Account* packets_ = nullptr;  // lcore_'s account of frame_, once a Packet of it was given out
  std::uint64_t deadline_ = 0;

  BufferPool& pool_;
  WriterOptions options_;
  std::uint32_t max_message_;
  unsigned lcore_ = LCORE_ID_ANY;

  // Sealed frames with unfinished reservations, and all frames behind them, oldest first.
  rte_mbuf* waiting_head_ = nullptr;
  rte_mbuf* waiting_tail_ = nullptr;
  std::uint32_t waiting_ = 0;
  std::uint64_t stalled_since_ = 0;  // TSC time; 0: the oldest one is complete, or there is none

  // One buffer per frame that may yet need a gathered copy, so that completing can't fail.
  rte_mbuf* spares_ = nullptr;
  std::uint32_t spare_count_ = 0;

  detail::RingEnd<Ring> end_of_ring_;  // a NoFlushWriter has no ring

  // For flush_wait().
  std::uint64_t sealed_ = 0;    // frames so far
  std::uint64_t position_ = 0;  // in the ring, behind the last frame handed over
  ReserveLine line_;

  WriterStats stats_;
};

#ifndef BAB_TSAN_MIXED  // with it, each translation unit compiles the inlined code itself
extern template class BasicLocalWriter<RealAtom>;
extern template class BasicLocalWriter<RealAtom, false>;
#endif
using LocalWriter = BasicLocalWriter<RealAtom>;

/// A writer whose messages are only Packets, for the application's own lcores:
/// `reserve(len).commit_packet()`. Its frames never go to a flusher. A buffer returns to the pool
/// when the writer has let go of it (the frame is full, flush(), or the FlushPolicy) and its last
/// Packet is dropped. A message that is committed without a Packet is lost. The writer sets no
/// buffer aside: a pool of one buffer is enough.
using NoFlushWriter = BasicLocalWriter<RealAtom, false>;

}  // namespace bab
