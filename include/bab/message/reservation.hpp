#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <span>
#include <utility>

#include <rte_mbuf.h>

#include <bab/detail/sanitizers.hpp>
#include <bab/memory/packet.hpp>
#include <bab/message/reserve_failure.hpp>

namespace bab {

/// Room for one message in a writer's frame: fill data(), then commit() or abort(). A Reservation
/// that is destroyed before that aborts. Settle Reservations on the writer's lcore, in any order,
/// before the writer is destroyed.
template <class Writer>
class BasicReservation {
 public:
  explicit BasicReservation(ReserveFailure failure) noexcept : failure_(failure) {}
  BasicReservation(Writer* writer, rte_mbuf* frame, std::uint8_t* data, std::uint32_t len) noexcept
      : writer_(writer), data_(data), frame_(frame), len_(len) {}
  BasicReservation(BasicReservation&& other) noexcept
      : writer_(std::exchange(other.writer_, nullptr)), data_(other.data_), len_(other.len_) {
    if (data_ != nullptr)
      frame_ = other.frame_;
    else
      failure_ = other.failure_;
  }
  /// Aborts the reservation that it held.
  BasicReservation& operator=(BasicReservation&& other) noexcept {
    if (this == &other) return *this;
    abort();
    writer_ = std::exchange(other.writer_, nullptr);
    data_ = other.data_;
    len_ = other.len_;
    if (data_ != nullptr)
      frame_ = other.frame_;
    else
      failure_ = other.failure_;
    return *this;
  }
  ~BasicReservation() { abort(); }

  /// Whether there is room to fill; false after commit or abort.
  [[nodiscard]] explicit operator bool() const noexcept { return writer_ != nullptr; }
  [[nodiscard]] ReserveFailure failure() const noexcept {
    return data_ != nullptr ? ReserveFailure::kNone : failure_;
  }

  /// Where to write the message; null without room.
  [[nodiscard]] std::uint8_t* data() const noexcept {
    if (detail::kTsanMixed && data_ != nullptr && frame_ != nullptr) detail::tsan_comes(frame_);
    return data_;
  }
  /// Bytes that were reserved.
  [[nodiscard]] std::uint32_t size() const noexcept { return len_; }
  [[nodiscard]] std::span<std::uint8_t> bytes() const noexcept { return {data(), len_}; }

  /// Publishes the whole message.
  void commit() noexcept {
    if (writer_ == nullptr) return;
    writer_->settle(frame_, data_, len_, len_);
    writer_ = nullptr;  // after the call: in a coroutine the compiler then omits the abort
  }

  /// Publishes the first n bytes. Returns false and aborts when n > size(). Returns false without
  /// room, too.
  [[nodiscard]] bool commit(std::uint64_t n) noexcept {
    if (n > len_ || writer_ == nullptr) {
      abort();
      return false;
    }
    writer_->settle(frame_, data_, len_, static_cast<std::uint32_t>(n));
    writer_ = nullptr;
    return true;
  }

  /// Publishes the message and returns a Packet of it, whose bytes never move. Empty without room.
  [[nodiscard]] Packet commit_packet() noexcept {
    if (writer_ == nullptr) return {};
    Packet packet = writer_->packet_of(frame_, data_, len_);
    writer_->settle(frame_, data_, len_, len_);
    writer_ = nullptr;
    return packet;
  }

  /// Gives the room back; nothing is published.
  void abort() noexcept {
    if (writer_ == nullptr) return;
    // With a writer_ there is a data_; without this hint g++ 12 warns of stores at null.
    if (data_ == nullptr) __builtin_unreachable();
    writer_->abort(frame_, data_, len_);
    writer_ = nullptr;
  }

 private:
  Writer* writer_ = nullptr;
  std::uint8_t* data_ = nullptr;
  union {
    rte_mbuf* frame_;         // if data_
    ReserveFailure failure_;  // else; the union saves a word per message in coroutines
  };
  std::uint32_t len_ = 0;
};

}  // namespace bab
