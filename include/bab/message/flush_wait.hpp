#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

#include <bab/detail/writer_waits.hpp>
#include <bab/lcore/wait.hpp>
#include <bab/message/frame_ring.hpp>
#include <bab/message/reservation.hpp>

namespace bab {

enum class Flushed : std::uint8_t {
  /// The sink took all that the task committed since it was last told of a drop, or since it was
  /// spawned (a TxQueue's
  /// counters tell what tx_prepare refused). Never said of a message that was dropped.
  kSent,
  /// All is gone or given up, but of the writer's frames since then some were dropped, and the task
  /// may have had messages
  /// in them. Said to each task once for a drop, whatever others were told; not to tasks that were
  /// spawned after one was.
  kDropped,
  kCancelled,  ///< the wait was, or it was refused: nothing is known
};

/// `co_await flush_wait(writer)`: flushes, and goes on when every message that this lcore committed
/// through the writer before is gone from the flusher: taken by its sink, or dropped. It doesn't
/// matter who sealed the message's frame or handed it over, nor on which lcore the flusher is. What
/// was flushed by anybody beforehand costs nothing: then it suspends nothing.
///
/// A frame goes when it is complete. So settle your own Reservations first; those of other lcores
/// in the same frames are waited for. The flusher must have been given the writer's ring, and be
/// polled.
///
/// An lcore that is stopping cancels the wait before anything is flushed: call flush() in a task's
/// shutdown.
///
/// What is waited for and what was dropped is known by frames: those of a shared writer are all its
/// Producers', those of a ring that several local writers share are all of theirs. It may be told
/// kDropped without a loss of its own where its frames, or those of the tasks before it, hold
/// others' messages; where it waited while the writer's flusher dropped, sent and dropped again
/// more than eight times; where it uses more than eight writers; and while a shared writer's frame
/// has yet to come that drop_pending() gave up before it was complete, and once after.
///
/// A task here is what was given to Lcore::spawn(), with all it awaits. A coroutine that something
/// else than its Lcore resumes (an event of your own, whose set() goes on with who waits) counts as
/// the task in which that happens: drops that this one was told of are not told again. A coroutine
/// that no task began, or that outlives its task, is told kDropped each time once a frame was
/// dropped since the writer was made.
template <class Writer>
class FlushWait final : public Wait {
 public:
  explicit FlushWait(Writer* writer) noexcept : writer_(writer) {}

  [[nodiscard]] Flushed await_resume() const noexcept { return result(); }
  /// After AnyOf.
  [[nodiscard]] Flushed result() const noexcept {
    if (outcome() != Outcome::kDone) return Flushed::kCancelled;
    return dropped_ ? Flushed::kDropped : Flushed::kSent;
  }

 private:
  bool poll() noexcept override {
    if (!begun_) mark_ = detail::WriterWaits::begin_flush(*writer_);
    begun_ = true;
    if (!detail::WriterWaits::has_flushed(*writer_, mark_)) return false;
    detail::tsan_comes(&detail::tsan_flushes);
    dropped_ = detail::WriterWaits::has_dropped(*writer_, mark_, task());
    begun_ = false;
    return true;
  }
  void withdraw() noexcept override { begun_ = false; }

  Writer* writer_;
  FlushMark mark_;
  bool begun_ = false;
  bool dropped_ = false;
};

/// Flushes a LocalWriter or a Producer, and goes on when what this lcore committed through it has
/// left the flusher.
template <class Writer>
requires(Writer::kHandsOver) [[nodiscard]] FlushWait<Writer> flush_wait(Writer& writer) noexcept {
  return FlushWait<Writer>(&writer);
}

}  // namespace bab
