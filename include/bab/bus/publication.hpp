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

/// What became of a publication's messages. Read on the lcore of its flusher, or after the Bus has
/// stopped.
struct PublicationStats {
  std::uint64_t messages = 0;          ///< messages that have a sequence number
  std::uint64_t frames = 0;            ///< frames that the port's driver took
  std::uint64_t dropped_messages = 0;  ///< numbered and not sent: subscribers see a gap
};

/// The end of a session where messages are written. All calls are made on its lcore. It may be
/// copied; all copies are the same publication. It must not be used after its Bus is gone.
template <class Writer>
class BasicPublication {
 public:
  using Reservation = typename Writer::Reservation;

  /// Only the Bus makes one. `hand`: null where the publication is on a worker lcore.
  BasicPublication(Writer& writer, detail::Sending& sending, detail::BusHand* hand,
                   unsigned lcore) noexcept
      : writer_(&writer), sending_(&sending), hand_(hand), lcore_(lcore) {}

  /// Writes a message: a copy of `bytes`. Where there is no room now, a bus that is turned by hand
  /// is turned once. False: there is still no room, or the message is longer than max_message().
  /// Nothing is written then.
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

  /// Room for a message of `len` bytes. Fill it in place, then commit() it. LocalWriter says more.
  [[nodiscard]] Reservation reserve(std::uint32_t len) noexcept { return writer_->reserve(len); }
  /// `co_await out.reserve_wait(len)`: waits while there is no room.
  [[nodiscard]] ReserveWait<Writer> reserve_wait(std::uint32_t len) noexcept {
    return bab::reserve_wait(*writer_, len);
  }
  /// Sends the messages that are committed, even if their frame is not full.
  void flush() noexcept { writer_->flush(); }
  /// `co_await out.flush_wait()`: the same, and waits until the port has taken them.
  [[nodiscard]] FlushWait<Writer> flush_wait() noexcept { return bab::flush_wait(*writer_); }

  /// The longest message that fits in a frame, in bytes.
  [[nodiscard]] std::uint32_t max_message() const noexcept { return writer_->max_message(); }
  [[nodiscard]] PublicationStats stats() const noexcept;
  [[nodiscard]] wire::Session session() const noexcept;
  /// The lcore that all calls are made on. RunOn::kHere: the thread that made the Bus.
  [[nodiscard]] unsigned lcore() const noexcept { return lcore_; }
  /// The writer behind it, for calls that a Publication doesn't have.
  [[nodiscard]] Writer& writer() noexcept { return *writer_; }

 private:
  static std::uint32_t length(std::span<const std::uint8_t> bytes) noexcept {
    constexpr std::size_t kMax = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::min(bytes.size(), kMax));
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

/// A publication that one lcore writes.
using Publication = BasicPublication<LocalWriter>;
/// A publication that several lcores write together; each of them has one of these.
using SharedPublication = BasicPublication<SharedWriter::Producer>;

}  // namespace bab
