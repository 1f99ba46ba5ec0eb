#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <utility>

#include <bab/lcore/wait.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/reservation.hpp>
#include <bab/message/shared_writer.hpp>

namespace bab {

/// `co_await writer.reserve_wait(len)`: a Reservation as soon as there is a buffer for it. One that finds room at
/// once suspends nothing. Who waits stands in the pool's line with everybody else who waits for its
/// buffers, and no later reserve of the same writer gets ahead of it.
///
/// The Reservation that comes back tells the rest: room; kTooLong; kNoLcore; kNoBuffer when the wait was
/// cancelled.
template <class Writer>
class ReserveWait final : public Wait {
 public:
  using Reservation = BasicReservation<Writer>;

  ReserveWait(Writer& writer, BufferPool& pool, std::uint32_t len) noexcept
      : writer_(writer), pool_(pool), len_(len) {}
  ~ReserveWait() override { assert(!ticket_ && !counted_); }

  [[nodiscard]] Reservation await_resume() noexcept { return take(); }
  /// After AnyOf: the Reservation, once.
  [[nodiscard]] Reservation take() noexcept {
    if (!room_) return Reservation(ReserveFailure::kNoBuffer);
    return std::move(*room_);
  }

 private:
  bool poll() noexcept override {
    if (!counted_) {
      if (attempt(false)) return true;
      ++writer_.reserves_waiting_;
      counted_ = true;
    }
    if (!ticket_) ticket_ = pool_.line_up();
    if (!ticket_ || !pool_.is_served(*ticket_) || !attempt(true)) return false;
    leave();
    return true;
  }

  void withdraw() noexcept override { leave(); }

  /// True when it is settled, with room or without hope.
  bool attempt(bool served) noexcept {
    writer_.served_ = served;
    Reservation r = writer_.reserve(len_);
    writer_.served_ = false;
    if (r.failure() == ReserveFailure::kNoBuffer) return false;
    room_.emplace(std::move(r));
    return true;
  }

  void leave() noexcept {
    if (ticket_) pool_.leave_line(*ticket_);
    ticket_.reset();
    if (std::exchange(counted_, false)) --writer_.reserves_waiting_;
  }

  Writer& writer_;
  BufferPool& pool_;
  std::uint32_t len_;
  std::optional<std::uint64_t> ticket_;
  bool counted_ = false;
  std::optional<Reservation> room_;
};

}  // namespace bab
