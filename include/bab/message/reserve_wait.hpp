#pragma once

#include <bab/detail/build.hpp>

#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <bab/detail/writer_waits.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/wait.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/message/reservation.hpp>
#include <bab/message/reserve_line.hpp>

namespace bab {

/// The Wait inside a ReserveWait: it stands in its lcore's list when there is no room at once.
template <class Writer>
class ReserveWaiting final : public Wait {
  using Turn = ReserveLine::Turn;

 public:
  using Reservation = BasicReservation<Writer>;

  ReserveWaiting(Writer* writer, BufferPool& pool, std::uint32_t len) noexcept
      : writer_(writer), pool_(pool), len_(len) {}
  ~ReserveWaiting() override { retire(); }

  [[nodiscard]] Reservation take() noexcept {
    if (!room_ || outcome() != Outcome::kDone) return Reservation(ReserveFailure::kNoBuffer);
    Reservation room = std::move(*room_);
    room_.reset();
    return room;
  }

 private:
  bool poll() noexcept override {
    ReserveLine& line = detail::WriterWaits::line(*writer_);
    ReserveFailure why = ReserveFailure::kNone;
    if (!in_line_) {
      room_.reset();  // of an earlier await, if nobody took it
      const bool first = line.empty();
      why = attempt(Turn::kAnyone);
      if (room_) return true;
      line.join(entry_);
      in_line_ = true;
      if (!first) return false;
    } else if (!line.is_first(entry_)) {
      return false;
    } else if (!ticket_) {
      why = attempt(Turn::kFirst);
    }
    if (!room_ && why == ReserveFailure::kNoBuffer) ticket_ = pool_.line_up();
    if (!room_ && ticket_ && pool_.is_served(*ticket_)) {
      why = attempt(Turn::kServed);
      // A commit or room in the ring helps, and a buffer doesn't: the pool's line must not wait for
      // this.
      if (why == ReserveFailure::kTooManyFrames) leave_pool();
    }
    if (!room_) return false;
    leave_lines();
    return true;
  }

  void withdraw() noexcept override {
    room_.reset();
    leave_lines();
  }

  /// Tries once. Sets room_ when the result is final: room, or a failure that no waiting mends.
  ReserveFailure attempt(Turn turn) noexcept {
    ReserveLine& line = detail::WriterWaits::line(*writer_);
    line.set_turn(turn);
    Reservation r = writer_->reserve(len_);
    line.set_turn(Turn::kAnyone);
    const ReserveFailure why = r.failure();
    if (why != ReserveFailure::kNoBuffer && why != ReserveFailure::kTooManyFrames)
      room_.emplace(std::move(r));
    return why;
  }

  void leave_lines() noexcept {
    leave_pool();
    if (std::exchange(in_line_, false)) detail::WriterWaits::line(*writer_).leave(entry_);
  }
  void leave_pool() noexcept {
    if (ticket_) pool_.leave_line(*ticket_);
    ticket_.reset();
  }

  Writer* writer_;
  BufferPool& pool_;
  std::uint32_t len_;
  std::optional<std::uint64_t> ticket_;
  bool in_line_ = false;
  ReserveLine::Entry entry_;
  std::optional<Reservation> room_;
};

/// `co_await reserve_wait(writer, len)`: gives a Reservation as soon as there is a buffer for it.
/// If there is room at once, the await doesn't suspend. Of the reserves that wait at one writer,
/// the first one stands in the pool's line, with all others that wait for the pool's buffers. A
/// later reserve at this writer never gets ahead of them: it fails, or waits behind them. (Each
/// Producer of a SharedWriter is a writer in this respect; Producers of other lcores go on as they
/// can.) When the writer has WriterOptions::max_frames unfinished frames, the reserve waits for a
/// commit; when the writer's ring is full, it waits for room there. In both cases it is not in the
/// pool's line, and holds nobody up.
///
/// The Reservation has room, or one of these failures: kTooLong; kNoLcore; kNoBuffer when the wait
/// was cancelled or refused (outcome() says which). A Reservation that nobody takes is aborted at
/// the next await, or when this object is destroyed.
///
/// The Wait itself is made only if there is no room at once, or for AnyOf. An awaited object lies
/// in the coroutine's memory and not in registers: a Wait would cost each message 17 words
/// (local_writer_coro_32).
template <class Writer>
class ReserveWait {
 public:
  using Reservation = BasicReservation<Writer>;

  ReserveWait(Writer* writer, std::uint32_t len) noexcept : writer_(writer), len_(len) {}
  ReserveWait(const ReserveWait&) = delete;
  ReserveWait& operator=(const ReserveWait&) = delete;
  ~ReserveWait() {
    if (made_) std::destroy_at(&wait_);
  }

  /// For AnyOf.
  operator Wait&() noexcept { return wait(); }
  /// Like Wait::cancel().
  void cancel() noexcept {
    if (made_) wait_.cancel();
  }
  [[nodiscard]] bool waiting() const noexcept { return made_ && wait_.waiting(); }
  [[nodiscard]] Outcome outcome() const noexcept {
    return made_ ? wait_.outcome() : Outcome::kDone;
  }

  [[nodiscard]] bool await_ready() noexcept {
    if constexpr (Writer::kTakesInline)
      if (!made_ && detail::WriterWaits::has_room(*writer_, len_) && !Lcore::stops_waits())
          [[likely]]
        return true;
    return wait().await_ready();
  }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept { wait_.await_suspend(coroutine); }
  [[nodiscard]] Reservation await_resume() noexcept {
    if constexpr (Writer::kTakesInline)
      if (!made_) return detail::WriterWaits::take(*writer_, len_);
    return wait_.take();
  }
  /// After AnyOf: the Reservation, once.
  [[nodiscard]] Reservation take() noexcept {
    return made_ ? wait_.take() : Reservation(ReserveFailure::kNoBuffer);
  }

 private:
  Wait& wait() noexcept {
    if (!made_) std::construct_at(&wait_, writer_, detail::WriterWaits::pool(*writer_), len_);
    made_ = true;
    return wait_;
  }

  Writer* writer_;
  std::uint32_t len_;
  bool made_ = false;
  union {
    ReserveWaiting<Writer> wait_;  // if made_
  };
};

/// Awaitable: room for a message of `len` bytes in a frame of a LocalWriter, a Producer or a
/// NoFlushWriter. On the writer's lcore.
template <class Writer>
[[nodiscard]] ReserveWait<Writer> reserve_wait(Writer& writer, std::uint32_t len) noexcept {
  return ReserveWait<Writer>(&writer, len);
}

}  // namespace bab
