#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include <rte_cycles.h>

#include <bab/base/error.hpp>
#include <bab/detail/check.hpp>
#include <bab/message/shared_writer.hpp>

/// The rarely called half of BasicSharedWriter, for code that instantiates it with an Atom of its
/// own.
namespace bab {

template <class Atom>
BasicSharedWriter<Atom>::BasicSharedWriter(BufferPool& pool, const WriterOptions& options)
    : pool_(pool), options_(options) {
  if (options.payload_capacity > kMaxPayload)
    throw Error("a shared writer's frames hold at most " + std::to_string(kMaxPayload) +
                " bytes of messages, not " + std::to_string(options.payload_capacity) +
                "; use a smaller MTU");
  max_message_ = detail::check_writer(pool, options, true);
}

template <class Atom>
BasicSharedWriter<Atom>::~BasicSharedWriter() {
  // A40: pairs with R40 (open_frame()).
  const std::uint64_t word = word_.load(std::memory_order_acquire);
  BAB_ASSERT((unfinished() == 0 || (is_open(word) && unfinished() == 1)) &&
             "a shared writer was destroyed before its frames were complete");
  order_->close(next_number_ - (is_open(word) ? 1 : 0));
  if (!is_open(word)) return;
  BAB_ASSERT(messages(word) == 0 &&
             "a shared writer was destroyed with a frame that holds messages");
  rte_mbuf* m = slot(word).load(std::memory_order_relaxed);
  BufferPool::release(buffer_meta(m).next);
  BufferPool::release(m);
}

template <class Atom>
unsigned BasicSharedWriter<Atom>::unfinished() const noexcept {
  unsigned n = 0;
  for (const auto& frame : frames_) n += frame.load(std::memory_order_relaxed) != nullptr ? 1 : 0;
  return n;
}

template <class Atom>
BasicSharedWriter<Atom>::Producer::Producer(BasicSharedWriter& writer, Ring& out)
    : w_(writer), line_(writer.max_message_) {
  end_of_ring_.join(out, writer.pool_, writer.options_, writer.order_->progress().gone(),
                    writer.order_);
}

template <class Atom>
BasicSharedWriter<Atom>::Producer::~Producer() {
  flush();
  // Frames remain only if the ring is full: they stay with the ring.
  while (end_of_ring_.size() > 0) {
    end_of_ring_.leave_behind();
    refill_batch();
  }
}

template <class Atom>
auto BasicSharedWriter<Atom>::Producer::reserve_slow(std::uint32_t len) noexcept -> Reservation {
  if (len > w_.max_message_) return Reservation(ReserveFailure::kTooLong);
  if (rte_lcore_id() >= RTE_MAX_LCORE) return Reservation(ReserveFailure::kNoLcore);
  line_.open();  // until now every reserve took this way
  if (line_.refuses()) {
    ++stats_.starved;
    return Reservation(ReserveFailure::kNoBuffer);
  }
  while (true) {
    if (w_.is_open(w_.word_.load(std::memory_order_relaxed))) {
      // A40, R40: pairs with R40 (open_frame()) and with A40.
      const std::uint64_t word = w_.word_.fetch_add(block(len), std::memory_order_acq_rel);
      if (bytes(word) + wire::kBlockLengthBytes + len <= w_.options_.payload_capacity)
        return room(word, len);
      crossed(word);
    }
    if (const ReserveFailure failure = open_frame(); failure != ReserveFailure::kNone) {
      line_.note_failure(failure, stats_);
      hand_over();
      return Reservation(failure);
    }
  }
}

/// Acquires a frame's buffer and the spare one, or neither.
template <class Atom>
bool BasicSharedWriter<Atom>::Producer::acquire(std::array<rte_mbuf*, 2>& buffers) noexcept {
  if (!line_.serves()) return w_.pool_.try_acquire(buffers);
  buffers[0] = w_.pool_.take_served();
  if (buffers[0] == nullptr) return false;
  buffers[1] = w_.pool_.take_served();
  if (buffers[1] != nullptr) return true;
  BufferPool::release(buffers[0]);
  return false;
}

/// Opens the next frame, unless one is open or another Producer is opening one. In the latter case
/// the result is kNoBuffer: the caller tries again, and waits for nobody.
template <class Atom>
ReserveFailure BasicSharedWriter<Atom>::Producer::open_frame() noexcept {
  // A13: pairs with R13 (give_back).
  if (w_.opening_.exchange(true, std::memory_order_acquire)) return ReserveFailure::kNoBuffer;
  const auto give_back = [this](ReserveFailure result) {
    // R13: pairs with A13: the next caller sees next_number_ and the word.
    w_.opening_.store(false, std::memory_order_release);
    return result;
  };
  // A40: pairs with R40.
  const std::uint64_t word = w_.word_.load(std::memory_order_acquire);
  if (w_.is_open(word)) return give_back(ReserveFailure::kNone);
  const std::uint64_t next = (word / kGeneration + 1) * kGeneration;
  auto& slot = w_.slot(next);
  // A14: pairs with R14 (complete()). Null: the oldest frame that may be unfinished is complete.
  // The frames before it, and the one that had this slot, were complete when it was opened.
  auto& oldest = w_.slot(next - w_.options_.max_frames * kGeneration);
  if (oldest.load(std::memory_order_acquire) != nullptr)
    return give_back(ReserveFailure::kTooManyFrames);
  std::array<rte_mbuf*, 2> buffers;
  if (!acquire(buffers)) return give_back(ReserveFailure::kNoBuffer);
  BufferMeta& meta = buffer_meta(buffers[0]);
  meta.writer_id = w_.options_.writer_id;
  meta.number = w_.next_number_++;
  meta.next = buffers[1];  // set aside for a gathered copy
  meta.settled = 0;
  meta.holes = 0;
  meta.packets_out = false;
  slot.store(buffers[0], std::memory_order_relaxed);
  w_.deadline_.store(0, std::memory_order_relaxed);
  // This wipes out adds that overshot the closed frame; each of their callers has seen that it
  // failed. R40: pairs with A40: the slot and the frame's BufferMeta are seen.
  w_.word_.store(next, std::memory_order_release);
  return give_back(ReserveFailure::kNone);
}

/// The caller closed the frame whose last word was `final_word`: its reserve crossed the frame's
/// end, or it flushed.
template <class Atom>
void BasicSharedWriter<Atom>::Producer::closed(std::uint64_t final_word) noexcept {
  rte_mbuf* m = w_.slot(final_word).load(std::memory_order_relaxed);
  const std::uint64_t total = final_word & (kGeneration - 1);
  BufferMeta& meta = buffer_meta(m);
  meta.reserved = total;  // before the RMW below, whose release makes it the completer's
  meta.closed_tsc = rte_rdtsc();
  if (settled(m, std::uint64_t{0} - total)) complete(m);
}

/// Closes the open frame if it holds a message. False: there is nothing to close.
template <class Atom>
bool BasicSharedWriter<Atom>::Producer::close_open() noexcept {
  // A40: pairs with R40.
  std::uint64_t word = w_.word_.load(std::memory_order_acquire);
  while (w_.is_open(word) && messages(word) > 0) {
    const std::uint64_t closed_word = (word & ~(kGeneration - 1)) | kClosed;
    // A40, R40: pairs with R40 (open_frame()) and with A40.
    if (w_.word_.compare_exchange_weak(word, closed_word, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
      closed(word);
      return true;
    }
  }
  return false;
}

template <class Atom>
void BasicSharedWriter<Atom>::Producer::flush() noexcept {
  (void)close_open();
  hand_over();
}

template <class Atom>
unsigned BasicSharedWriter<Atom>::Producer::poll(std::uint64_t now_tsc) noexcept {
  const std::uint64_t word = w_.word_.load(std::memory_order_relaxed);
  if (w_.is_open(word) && messages(word) > 0) {
    const FlushPolicy& policy = w_.options_.flush;
    bool due = messages(word) >= policy.max_messages || w_.pool_.awaited();
    if (policy.max_delay_tsc != 0) {
      // The Producer that comes first arms it. If two do, the deadline differs by one turn.
      const std::uint64_t deadline = w_.deadline_.load(std::memory_order_relaxed);
      if (deadline == 0)
        w_.deadline_.store(policy.deadline(now_tsc), std::memory_order_relaxed);
      else
        due |= now_tsc >= deadline;
    }
    if (due) (void)close_open();
  }
  return end_of_ring_.size() == 0 ? 0 : hand_over();
}

template <class Atom>
void BasicSharedWriter<Atom>::Producer::put_short(rte_mbuf* m, std::uint8_t* data,
                                                  std::uint32_t len, std::uint32_t keep) noexcept {
  const std::uint32_t unused = len - keep;
  put_length(data, unused == 1 ? kOneUnused : kUnused, keep);
  if (unused > 1) wire::store_be(data + keep, static_cast<std::uint16_t>(unused));
  note_holes(m);
}

template <class Atom>
Packet BasicSharedWriter<Atom>::Producer::packet_of(rte_mbuf* m, const std::uint8_t* data,
                                                    std::uint32_t len) noexcept {
  BufferMeta& meta = buffer_meta(m);
  Account& account = w_.pool_.account(rte_lcore_id(), meta.id);
  // The lcore's share is taken before the commit, and therefore before the frame can be complete.
  if (account.handles == 0) {
    Shares<Atom>::take(m);
    ++account.shares;
    account.buffer = m;
  }
  typename Atom::template Ref<bool>(meta.packets_out).store(true, std::memory_order_relaxed);
  return PacketSource::more(account, data, len);
}

/// All is settled and the frame is closed: only this lcore has it.
template <class Atom>
void BasicSharedWriter<Atom>::Producer::complete(rte_mbuf* m) noexcept {
  BufferMeta& meta = buffer_meta(m);
  auto& slot = w_.frames_[(meta.number + 1) % kMaxFrames];
  BAB_ASSERT(slot.load(std::memory_order_relaxed) == m);
  meta.payload_len = bytes(meta.reserved);
  meta.messages = static_cast<std::uint16_t>(messages(meta.reserved));
  rte_mbuf* const spare = std::exchange(meta.next, nullptr);
  rte_mbuf* frame = m;
  if (meta.holes != 0) frame = without_holes(m, spare);
  if (frame == m)
    BufferPool::release(spare);
  else
    BufferPool::release(m);
  BufferMeta& whole = buffer_meta(frame);
  detail::set_bounds(frame, w_.options_.header_size, w_.order_.get());
  if (whole.messages > 0) ++stats_.frames;
  // A frame without messages is handed over, too: the flusher waits for its number.
  if (end_of_ring_.has_room()) {
    end_of_ring_.add(frame);
  } else {
    whole.next = nullptr;
    (more_ == nullptr ? more_ : buffer_meta(last_more_).next) = frame;
    last_more_ = frame;
  }
  // R14: pairs with A14 (open_frame()): this slot's frame has gone.
  slot.store(nullptr, std::memory_order_release);
  if (!end_of_ring_.has_room()) hand_over();
}

/// complete() for a frame that was closed before: until now it held back the frames after it.
template <class Atom>
void BasicSharedWriter<Atom>::Producer::complete_late(rte_mbuf* m) noexcept {
  ++stats_.stalls;
  stats_.stalled_tsc += rte_rdtsc() - buffer_meta(m).closed_tsc;
  complete(m);
}

template <class Atom>
rte_mbuf* BasicSharedWriter<Atom>::Producer::without_holes(rte_mbuf* m, rte_mbuf* spare) noexcept {
  BufferMeta& meta = buffer_meta(m);
  rte_mbuf* target = m;
  if (meta.packets_out) {
    // The bytes of Packets never move: the wire gets a copy.
    target = spare;
    ++stats_.gathered;
  }
  const std::uint8_t* from = w_.payload(m);
  const std::uint8_t* const end = from + meta.payload_len;
  std::uint8_t* to = w_.payload(target);
  std::uint16_t kept = 0;
  while (from < end) {
    const auto head = wire::load_be<std::uint16_t>(from);
    const Kind kind = static_cast<Kind>(head >> 14);
    const std::uint32_t len = head & 0x3fffU;
    const std::uint8_t* data = from + wire::kBlockLengthBytes;
    from = data + len;
    if (kind == kAborted) continue;
    if (kind == kOneUnused) from += 1;
    if (kind == kUnused) from += wire::load_be<std::uint16_t>(from);
    std::memmove(to + wire::kBlockLengthBytes, data, len);
    wire::store_be(to, static_cast<std::uint16_t>(len));
    to += wire::kBlockLengthBytes + len;
    ++kept;
  }
  BufferMeta& whole = buffer_meta(target);
  whole.number = meta.number;
  whole.writer_id = meta.writer_id;
  whole.messages = kept;
  whole.payload_len = static_cast<std::uint32_t>(to - w_.payload(target));
  return target;
}

template <class Atom>
unsigned BasicSharedWriter<Atom>::Producer::hand_over() noexcept {
  const unsigned n = end_of_ring_.hand_over();
  if (more_ != nullptr) [[unlikely]]
    refill_batch();
  return n;
}

template <class Atom>
void BasicSharedWriter<Atom>::Producer::refill_batch() noexcept {
  while (more_ != nullptr && end_of_ring_.has_room())
    end_of_ring_.add(std::exchange(more_, buffer_meta(more_).next));
}

/// A frame's position is its number. Its generation is the number + 1, without the bits that the
/// word lacks.
template <class Atom>
FlushMark BasicSharedWriter<Atom>::Producer::begin_flush() noexcept {
  flush();
  // `gone` is read before the word: therefore it is at most the number of frames that were opened
  // by then, and less than 2^24 behind.
  const std::uint64_t gone = w_.order_->progress().gone();
  // A40: pairs with R40.
  const std::uint64_t word = w_.word_.load(std::memory_order_acquire);
  const std::uint64_t opened = gone + w_.frames_between(gone * kGeneration, word);
  // Wrong only if the last reserve was 2^24 frames ago: then frames of others are waited for.
  return {opened - w_.frames_between(last_, word), true};
}

template <class Atom>
bool BasicSharedWriter<Atom>::Producer::has_flushed(FlushMark& mark) noexcept {
  if (end_of_ring_.size() > 0) hand_over();
  // gone() acquires: what the sink did with the frames is seen, and what was dropped.
  return w_.order_->progress().gone() >= mark.until;
}

/// Only after has_flushed() was true.
template <class Atom>
bool BasicSharedWriter<Atom>::Producer::has_dropped(const FlushMark& mark,
                                                    TaskNotes* task) noexcept {
  return end_of_ring_.has_dropped(w_.order_->progress(), mark.until, task);
}

}  // namespace bab
