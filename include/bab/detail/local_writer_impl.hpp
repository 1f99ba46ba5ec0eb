#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include <rte_cycles.h>

#include <bab/detail/check.hpp>
#include <bab/message/local_writer.hpp>

/// The rarely called half of BasicLocalWriter, for code that instantiates it with an Atom of its
/// own.
namespace bab {

template <class Atom, bool kFlushes>
BasicLocalWriter<Atom, kFlushes>::BasicLocalWriter(BufferPool& pool, Ring* out,
                                                   const WriterOptions& options)
    : pool_(pool), options_(options) {
  if (!kFlushes && options.payload_capacity == 0 &&
      pool.data_room() > RTE_PKTMBUF_HEADROOM + options.header_size)
    options_.payload_capacity = pool.data_room() - RTE_PKTMBUF_HEADROOM - options.header_size;
  max_message_ = detail::check_writer(pool, options_, kFlushes);
  close();
  if constexpr (kFlushes) end_of_ring_.join(*out, pool, options_, out->pushed());
}

template <class Atom, bool kFlushes>
BasicLocalWriter<Atom, kFlushes>::~BasicLocalWriter() {
  BAB_ASSERT(unfinished() == 0 && (waiting_ == 0 || settled(waiting_head_)) &&
             "a Reservation outlives its writer");
  flush();
  // Frames remain only if the ring is full: they stay with the ring.
  do {
    if constexpr (kFlushes) end_of_ring_.leave_behind();
    finish_waiting();
  } while (end_of_ring_.size() > 0);
  // Frames whose Reservations outlive the writer. Debug checks, if the library has them, have
  // reported these.
  while (waiting_head_ != nullptr) {
    rte_mbuf* m = waiting_head_;
    BufferMeta& meta = buffer_meta(m);
    waiting_head_ = meta.next;
    if (meta.packets_out) PacketSource::attach(pool_.account(lcore_, meta.id)).reset();
    BufferPool::release(m);
  }
  if (frame_ != nullptr) BufferPool::release(frame_);
  keep_spares(0);
}

template <class Atom, bool kFlushes>
std::string BasicLocalWriter<Atom, kFlushes>::too_long_text(std::uint32_t len) const {
  return "a message of " + std::to_string(len) + " bytes is longer than the " +
         std::to_string(max_message_) + " bytes that a frame can hold";
}

template <class Atom, bool kFlushes>
ReserveFailure BasicLocalWriter<Atom, kFlushes>::make_room(std::uint32_t len) noexcept {
  if (len > max_message_) return ReserveFailure::kTooLong;
  if (line_.refuses()) {
    ++stats_.starved;
    return ReserveFailure::kNoBuffer;
  }
  if (frame_ != nullptr && (at_ + block(len) > end_ || (at_ != settled_ && busy()))) seal();
  if (frame_ == nullptr) {
    if (ReserveFailure f = open_frame(); f != ReserveFailure::kNone) {
      line_.note_failure(f, stats_);
      if (f == ReserveFailure::kNoBuffer) starve();
      return f;
    }
  }
  return ReserveFailure::kNone;
}

template <class Atom, bool kFlushes>
bool BasicLocalWriter<Atom, kFlushes>::set_spares_aside() noexcept {
  if (!kFlushes) return true;
  while (spare_count_ < waiting_ + 1) {
    rte_mbuf* m = acquire();
    if (m == nullptr) return false;
    buffer_meta(m).next = spares_;
    spares_ = m;
    ++spare_count_;
  }
  return true;
}

template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::keep_spares(std::uint32_t wanted) noexcept {
  while (spare_count_ > wanted) {
    rte_mbuf* m = spares_;
    spares_ = buffer_meta(m).next;
    --spare_count_;
    BufferPool::release(m);
  }
}

/// There is no buffer. Gives back spare buffers that others may wait for, and hands over frames
/// whose buffers come back when they have been sent.
template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::starve() noexcept {
  keep_spares(waiting_);
  hand_over();
}

/// Others wait for the pool's buffers. A frame that only has reservations stays: its bytes are
/// being written.
template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::let_go() noexcept {
  if (committed() > 0) {
    seal();
  } else if (frame_ != nullptr && at_ == begin_) {
    BufferPool::release(frame_);
    close();
  }
  keep_spares(waiting_ + (frame_ != nullptr ? 1 : 0));
}

template <class Atom, bool kFlushes>
inline ReserveFailure BasicLocalWriter<Atom, kFlushes>::open_frame() noexcept {
  if (lcore_ == LCORE_ID_ANY) lcore_ = rte_lcore_id();
  if (lcore_ >= RTE_MAX_LCORE) return ReserveFailure::kNoLcore;
  // In neither case would a buffer help: nobody waits for one.
  if (waiting_ >= options_.max_frames || !batch_has_room()) return ReserveFailure::kTooManyFrames;
  if (!set_spares_aside()) return ReserveFailure::kNoBuffer;
  rte_mbuf* m = acquire();
  if (m == nullptr) return ReserveFailure::kNoBuffer;
  BufferMeta& meta = buffer_meta(m);
  meta.writer_id = options_.writer_id;
  meta.holes = 0;
  meta.packets_out = false;
  frame_ = m;
  packets_ = nullptr;
  deadline_ = 0;
  const Address first = address_of(payload(m)) + wire::kBlockLengthBytes;
  begin_at(first, first + options_.payload_capacity);
  // Every reserve makes only its own bytes readable: a write past them is caught.
  detail::asan_poison(m->buf_addr, m->buf_len);
  return ReserveFailure::kNone;
}

template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::begin_at(Address begin, Address end) noexcept {
  begin_ = at_ = settled_ = begin;
  end_ = end;
  left_ = options_.flush.max_messages;
  nested_until_ = 0;
  late_ = holes_ = 0;
}

/// Afterwards no frame is open.
template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::close() noexcept {
  frame_ = nullptr;
  begin_at(0, 0);
}

/// Reservations of the open frame that are neither committed nor aborted.
template <class Atom, bool kFlushes>
std::uint32_t BasicLocalWriter<Atom, kFlushes>::unfinished() const noexcept {
  if (settled_ + late_ == at_) return 0;
  // Only nest() lets a second one begin.
  return settled_ < nested_until_ ? nested_ - committed() : 1;
}

/// Whether the open frame has more unfinished reservations than holes can be noted for: then it has
/// to be sealed first. To be asked if settled_ alone doesn't show that all are finished.
template <class Atom, bool kFlushes>
bool BasicLocalWriter<Atom, kFlushes>::busy() noexcept {
  if (settled_ + late_ == at_) {
    settled_ = at_;
    late_ = 0;
    return false;
  }
  return unfinished() + holes_ >= BufferMeta::kMaxHoles;
}

/// The frame that holds a Reservation's bytes. Needed only for reservations that aren't settled in
/// order.
template <class Atom, bool kFlushes>
rte_mbuf* BasicLocalWriter<Atom, kFlushes>::frame_of(const std::uint8_t* data) const noexcept {
  if (begin_ <= address_of(data) && address_of(data) <= end_) return frame_;
  rte_mbuf* m = waiting_head_;
  while (data < payload(m) || data > payload(m) + options_.payload_capacity) {
    m = buffer_meta(m).next;
    BAB_ASSERT(m != nullptr && "a Reservation of no unfinished frame");
  }
  return m;
}

/// A reservation of `len` bytes begins while others are unfinished.
template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::nest(std::uint32_t len) noexcept {
  nested_ = committed() + unfinished() + 1;
  nested_until_ = at_ + block(len);
}

template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::settle_slow(std::uint8_t* data, std::uint32_t len,
                                                   std::uint32_t keep) noexcept {
  check_lcore();
  rte_mbuf* const frame = frame_of(data);
  wire::store_be(data - wire::kBlockLengthBytes, static_cast<std::uint16_t>(keep));
  end_block(frame, data, len, len - keep);
  if (frame != frame_) {
    buffer_meta(frame).settled += kOneMessage;
    settle_late(frame);
  } else if (--left_ == 0) {
    seal();
  }
}

template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::take_back(std::uint8_t* data, std::uint32_t len) noexcept {
  check_lcore();
  rte_mbuf* const frame = frame_of(data);
  const auto bytes = static_cast<std::uint32_t>(block(len));
  if (frame != frame_) {
    end_block(frame, data, len, bytes);
    return settle_late(frame);
  }
  const std::uint32_t still_there = committed() + unfinished() - 1;
  if (settled_ < nested_until_) --nested_;
  end_block(frame, data, len, bytes);
  if (still_there == 0) {
    begin_at(begin_, end_);
    buffer_meta(frame).holes = 0;
  }
}

/// The reservation of `len` bytes at `data` is over. The last `unused` bytes of its block go back
/// to the frame if the block is the last one of the open frame; otherwise they become a hole.
template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::end_block(rte_mbuf* frame, std::uint8_t* data,
                                                 std::uint32_t len, std::uint32_t unused) noexcept {
  std::uint64_t bytes = block(len);
  detail::asan_poison(data + len - unused, unused);
  const bool is_open = frame == frame_;
  if (is_open && address_of(data) + bytes == at_) {
    at_ -= unused;
    bytes -= unused;
    nested_until_ = std::min(nested_until_, at_);
  } else if (unused > 0) {
    note_hole(frame, data + len, unused);
  }
  if (!is_open)
    buffer_meta(frame).settled += bytes;
  else if (address_of(data) == settled_)
    settled_ += bytes;
  else
    late_ += static_cast<std::uint32_t>(bytes);
}

template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::note_hole(rte_mbuf* frame, std::uint8_t* end,
                                                 std::uint32_t bytes) noexcept {
  BufferMeta& meta = buffer_meta(frame);
  meta.hole[meta.holes++] = {static_cast<std::uint16_t>(end - bytes - payload(frame)),
                             static_cast<std::uint16_t>(bytes)};
  if (frame == frame_) holes_ = meta.holes;
}

template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::settle_late(rte_mbuf* frame) noexcept {
  if (settled(frame)) finish_waiting();
}

/// Finishes the complete frames at the head of the waiting frames.
template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::finish_waiting() noexcept {
  while (waiting_head_ != nullptr) {
    rte_mbuf* m = waiting_head_;
    BufferMeta& meta = buffer_meta(m);
    if (!settled(m) || !batch_has_room()) break;
    waiting_head_ = meta.next;
    --waiting_;
    end_stall();
    finish(m);
  }
  keep_spares(waiting_ + 1);
}

/// Another waiting frame is the oldest now: from now on it holds back the others, if it isn't
/// settled.
template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::begin_stall() noexcept {
  if (waiting_head_ != nullptr && !settled(waiting_head_)) stalled_since_ = rte_rdtsc();
}

template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::end_stall() noexcept {
  if (const std::uint64_t since = std::exchange(stalled_since_, 0)) {
    ++stats_.stalls;
    stats_.stalled_tsc += rte_rdtsc() - since;
  }
  begin_stall();
}

/// This lcore's account of a frame, for a Packet of that frame.
template <class Atom, bool kFlushes>
Account& BasicLocalWriter<Atom, kFlushes>::account_of(rte_mbuf* frame) noexcept {
  check_lcore();
  BufferMeta& meta = buffer_meta(frame);
  Account& account = pool_.account(lcore_, meta.id);
  if (!meta.packets_out) {
    // The lcore's share is taken before this commit can complete the frame. The writer's own handle
    // keeps the share until then, so that further Packets need no atomic operation.
    Shares<Atom>::take(frame);
    meta.packets_out = true;
    account.buffer = frame;
    ++account.shares;
    ++account.handles;
  }
  if (frame == frame_) packets_ = &account;
  return account;
}

template <class Atom, bool kFlushes>
void BasicLocalWriter<Atom, kFlushes>::seal() noexcept {
  rte_mbuf* m = frame_;
  BufferMeta& meta = buffer_meta(m);
  meta.reserved = at_ - begin_;
  meta.settled = committed() * kOneMessage + (settled_ + late_ - begin_);
  close();
  ++sealed_;
  if (settled(m) && waiting_ == 0 && batch_has_room()) return finish(m);
  meta.next = nullptr;
  if (waiting_head_ == nullptr)
    waiting_head_ = m;
  else
    buffer_meta(waiting_tail_).next = m;
  waiting_tail_ = m;
  if (++waiting_ == 1) begin_stall();
}

/// All reservations of this frame and of all frames before it are settled.
template <class Atom, bool kFlushes>
inline void BasicLocalWriter<Atom, kFlushes>::finish(rte_mbuf* m) noexcept {
  detail::asan_unpoison(m->buf_addr, m->buf_len);
  BufferMeta& meta = buffer_meta(m);
  meta.messages = static_cast<std::uint16_t>(meta.settled / kOneMessage);
  meta.payload_len = static_cast<std::uint32_t>(meta.reserved);
  if (meta.messages == 0) return BufferPool::release(m);
  if constexpr (!kFlushes) {
    ++stats_.frames;
    if (meta.packets_out) PacketSource::attach(pool_.account(lcore_, meta.id)).reset();
    return BufferPool::release(m);
  }
  if (meta.holes > 0) m = close_holes(m);
  // The account of lcore_, even if another thread destroys the writer after it has seen that lcore
  // stop.
  if (meta.packets_out) PacketSource::attach(pool_.account(lcore_, meta.id)).reset();
  BAB_ASSERT(wire::blocks_fit({payload(m), buffer_meta(m).payload_len}, buffer_meta(m).messages) &&
             "a message was written past the end of its reservation");
  detail::set_bounds(m, options_.header_size, nullptr);
  ++stats_.frames;
  end_of_ring_.add(m);
  if (!end_of_ring_.has_room()) hand_over();
}

/// Returns the frame without its holes: in the same buffer, or in the spare one; then the old
/// buffer's share is given up.
template <class Atom, bool kFlushes>
rte_mbuf* BasicLocalWriter<Atom, kFlushes>::close_holes(rte_mbuf* m) noexcept {
  BufferMeta& meta = buffer_meta(m);
  std::span<Hole> holes(meta.hole, meta.holes);
  std::sort(holes.begin(), holes.end(), [](Hole a, Hole b) { return a.offset < b.offset; });
  rte_mbuf* target = m;
  if (meta.packets_out) {
    target = spares_;
    BAB_ASSERT(target != nullptr && "a spare buffer is set aside for each unfinished frame");
    spares_ = buffer_meta(target).next;
    --spare_count_;
    ++stats_.gathered;
  }
  const std::uint8_t* from = payload(m);
  std::uint8_t* to = payload(target);
  std::uint32_t at = 0;
  const auto keep_until = [&](std::uint32_t end) {
    std::memmove(to, from + at, end - at);
    to += end - at;
  };
  for (Hole hole : holes) {
    keep_until(hole.offset);
    at = std::uint32_t{hole.offset} + hole.len;
  }
  keep_until(meta.payload_len);
  BufferMeta& closed = buffer_meta(target);
  closed.messages = meta.messages;
  closed.writer_id = meta.writer_id;
  closed.payload_len = static_cast<std::uint32_t>(to - payload(target));
  if (target != m) BufferPool::release(m);
  return target;
}

template <class Atom, bool kFlushes>
unsigned BasicLocalWriter<Atom, kFlushes>::go_on() noexcept {
  const std::uint32_t waited = waiting_;
  if (waited > 0) finish_waiting();
  return hand_over() + (waited - waiting_);
}

template <class Atom, bool kFlushes>
unsigned BasicLocalWriter<Atom, kFlushes>::hand_over() noexcept {
  if (end_of_ring_.size() == 0) return 0;
  const unsigned n = end_of_ring_.hand_over();
  if (n > 0) position_ = end_of_ring_.ring().pushed();
  return n;
}

template <class Atom, bool kFlushes>
FlushMark BasicLocalWriter<Atom, kFlushes>::begin_flush() noexcept {
  flush();
  return {sealed_, false};
}

template <class Atom, bool kFlushes>
bool BasicLocalWriter<Atom, kFlushes>::has_flushed(FlushMark& mark) noexcept {
  if (!mark.handed_over) {
    go_on();
    // Frames are handed over in the order in which they were sealed.
    if (sealed_ - waiting_ - end_of_ring_.size() < mark.until) return false;
    mark.until = position_;
    mark.handed_over = true;
  }
  // gone() acquires: what the sink did with the frames is seen, and what was dropped.
  return end_of_ring_.ring().progress().gone() >= mark.until;
}

/// Only after has_flushed() was true.
template <class Atom, bool kFlushes>
bool BasicLocalWriter<Atom, kFlushes>::has_dropped(const FlushMark& mark,
                                                   TaskNotes* task) noexcept {
  return end_of_ring_.has_dropped(end_of_ring_.ring().progress(), mark.until, task);
}

}  // namespace bab
