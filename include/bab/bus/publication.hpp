#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>

#include <bab/bus/detail/hand.hpp>
#include <bab/message/flush_wait.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/reserve_wait.hpp>
#include <bab/message/shared_writer.hpp>

namespace bab {

namespace detail {
class Sending;
}

/// What became of a publication's messages. Exact on its flusher's lcore, and after the Bus has
/// stopped.
struct PublicationStats {
  std::uint64_t messages = 0;          ///< numbered
  std::uint64_t frames = 0;            ///< that the port's driver took
  std::uint64_t dropped_messages = 0;  ///< numbered and not sent: subscribers see a gap
};

/// A session's end where messages are written: all calls on its lcore. Copied freely; it refers to
/// its Bus, which outlives it.
template <class Writer>
class BasicPublication {
 public:
  using Reservation = typename Writer::Reservation;

  /// The Bus makes it. `hand`: null where it isn't turned by hand.
  BasicPublication(Writer& writer, detail::Sending& sending, detail::BusHand* hand,
                   unsigned lcore) noexcept
      : writer_(&writer), sending_(&sending), hand_(hand), lcore_(lcore) {}

  /// Writes a message, which is a copy of `bytes`. Where there is no room now, a bus that is turned
  /// by hand is turned once for it. False: there is no room, or the message is longer than
  /// max_message(). Nothing is written then.
  bool send(std::span<const std::uint8_t> bytes) noexcept {
    if (auto room = writer_->reserve(length(bytes))) [[likely]] {
      fill(room, bytes);
      return true;
    }
    return send_late(bytes);
  }
  bool send(std::string_view text) noexcept {
    return send({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }

  /// Room for a message of `len` bytes, to be filled in place and committed. LocalWriter says more.
  [[nodiscard]] Reservation reserve(std::uint32_t len) noexcept { return writer_->reserve(len); }
  /// `co_await out.reserve_wait(len)`: waits while there is no room.
  [[nodiscard]] ReserveWait<Writer> reserve_wait(std::uint32_t len) noexcept {
    return bab::reserve_wait(*writer_, len);
  }
  /// Sends what was committed, full or not.
  void flush() noexcept { writer_->flush(); }
  /// `co_await out.flush_wait()`: and goes on when the port has taken it.
  [[nodiscard]] FlushWait<Writer> flush_wait() noexcept { return bab::flush_wait(*writer_); }

  /// Longest message that fits a frame, in bytes.
  [[nodiscard]] std::uint32_t max_message() const noexcept { return writer_->max_message(); }
  [[nodiscard]] PublicationStats stats() const noexcept;
  [[nodiscard]] wire::Session session() const noexcept;
  /// Where all calls are to be made; RunOn::kHere: on the thread that made the Bus.
  [[nodiscard]] unsigned lcore() const noexcept { return lcore_; }
  /// The part that it is made of, for calls that a Publication doesn't have.
  [[nodiscard]] Writer& writer() noexcept { return *writer_; }

 private:
  static std::uint32_t length(std::span<const std::uint8_t> bytes) noexcept {
    constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::min(bytes.size(), kMost));
  }
  static void fill(Reservation& room, std::span<const std::uint8_t> bytes) noexcept {
    if (!bytes.empty()) std::memcpy(room.data(), bytes.data(), bytes.size());
    room.commit();
  }
  [[gnu::noinline]] bool send_late(std::span<const std::uint8_t> bytes) noexcept {
    if (bytes.size() > max_message() || hand_ == nullptr || !hand_->turn_by_hand(false))
      return false;
    auto room = writer_->reserve(length(bytes));
    if (!room) return false;
    fill(room, bytes);
    return true;
  }

  Writer* writer_;
  detail::Sending* sending_;
  detail::BusHand* hand_;
  unsigned lcore_;
};

/// Written on one lcore: a LocalWriter.
using Publication = BasicPublication<LocalWriter>;
/// One of several lcores' ends of a session whose frames they share: a SharedWriter's Producer.
using SharedPublication = BasicPublication<SharedWriter::Producer>;

}  // namespace bab
