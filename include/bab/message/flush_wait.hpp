#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

#include <bab/detail/writer_waits.hpp>
#include <bab/lcore/wait.hpp>
#include <bab/message/frame_ring.hpp>
#include <bab/message/reservation.hpp>

namespace bab {

enum class Flushed : std::uint8_t {
  /// The sink took all messages that the task committed since it was spawned, or since it was last
  /// told of a drop. Never said of a message that was dropped. (A frame that tx_prepare refused
  /// counts as taken here; TxQueue counts such frames.)
  kSent,
  /// All messages are gone or given up, but some of the writer's frames since then were dropped,
  /// and the task may have had messages in them. Each task is told once of a drop, whatever other
  /// tasks were told. A task that was spawned after another one was told is not told.
  kDropped,
  kCancelled,  ///< the wait was cancelled or refused: nothing is known
};

/// `co_await flush_wait(writer)`: flushes, and continues when all messages that this lcore
/// committed through the writer before are gone from the flusher: taken by its sink, or dropped.
/// Any lcore may have sealed the frames or handed them over, and the flusher may be on any lcore.
/// If everything was flushed before, the await doesn't suspend.
///
/// A frame goes when it is complete. Settle your own Reservations first. The wait includes other
/// lcores' Reservations in the same frames. The flusher must have been given the writer's ring, and
/// must be polled.
///
/// On an lcore that is stopping, the wait is cancelled before anything is flushed: call flush() in
/// a task's shutdown.
///
/// Frames are counted, and not single messages. A shared writer's frames hold messages of all its
/// Producers; several local writers that share a ring are counted together. A task can therefore be
/// told kDropped without a loss of its own, in these cases:
///
/// - its frames, or those of tasks before it, hold messages of others;
/// - while it waited, the writer's flusher dropped, sent and dropped again more than eight times;
/// - it uses more than eight writers;
/// - drop_pending() gave up a shared writer's frame before the frame was complete: as long as the
///   frame has yet to come, and once afterwards.
///
/// A task is what was given to Lcore::spawn(), with everything that it awaits. A coroutine that is
/// resumed by something else than its Lcore (for example by the set() of your own event) counts as
/// part of the task that runs at that time: a drop that this task was told of is not told again. A
/// coroutine that no task began, or that outlives its task, is told kDropped each time once a frame
/// was dropped since the writer was made.
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

/// Awaitable: flushes a LocalWriter or a Producer, and continues when the messages that this lcore
/// committed through it have left the flusher. On the writer's lcore.
template <class Writer>
requires(Writer::kHandsOver) [[nodiscard]] FlushWait<Writer> flush_wait(Writer& writer) noexcept {
  return FlushWait<Writer>(&writer);
}

}  // namespace bab
