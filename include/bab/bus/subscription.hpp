#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <span>
#include <utility>

#include <bab/bus/detail/received.hpp>
#include <bab/bus/incoming.hpp>
#include <bab/memory/packet.hpp>
#include <bab/message/framer.hpp>

namespace bab {

/// What became of a subscription's frames. Exact on its lcore, and after the Bus has stopped.
struct SubscriptionStats {
  std::uint64_t frames = 0;          ///< frames that came for its address
  std::uint64_t behind = 0;          ///< frames dropped unread, because its backlog was full
  std::uint64_t other_sessions = 0;  ///< frames of sessions that it doesn't subscribe to
  std::uint64_t messages = 0;        ///< messages in good frames so far, of any session
};

/// The end where the messages of an address are read. All calls are made on its lcore. It may be
/// copied; all copies are the same subscription. It must not be used after its Bus is gone.
class Subscription {
 public:
  /// Only the Bus makes one.
  Subscription(detail::Received& received, unsigned lcore) noexcept
      : received_(&received), lcore_(lcore) {}

  /// The next message or event, in order of arrival; nothing, if there is none now. Where this is
  /// called by hand, the bus is turned before it says so, and messages that were written by hand
  /// are flushed. In a task or a poller nothing is turned: wait with ready() there.
  [[nodiscard]] Incoming next() noexcept {
    const std::span<const std::uint8_t> message = received_->frame().try_next_bytes();
    if (message.data() != nullptr) [[likely]]
      return Incoming(message);
    return received_->next_frame();
  }

  /// The frame that next() is in, with the messages that are left of it; else the next frame that
  /// has a message. Empty: there is none, as with next(). For loops that work on whole frames:
  ///
  ///     while (auto frame = in.next_frame())
  ///       for (std::span<const std::uint8_t> message : frame) use(message);
  ///
  /// Both ways cost what the parts cost that are put together by hand: a message of 32 bytes that
  /// is written, sent and read takes 48 instructions in each (callgrind, g++ -O3: bus_32,
  /// bus_frames_32, parts_32).
  [[nodiscard]] ReceivedFrame next_frame() noexcept {
    if (received_->frame().left() == 0 && !received_->find_frame()) return {};
    return std::move(received_->frame());
  }

  /// `co_await in.ready()`: kDone when next() has a message; kCancelled when the bus stops.
  ///
  ///     while (co_await in.ready() == bab::Outcome::kDone)
  ///       while (auto got = in.next()) use(got.bytes());
  [[nodiscard]] detail::MessageWait ready() noexcept { return detail::MessageWait(*received_); }

  /// A handle to the message that next() returned last. It stays valid when next() goes on. It
  /// keeps the buffer of the whole frame in use (see BusPort::extra_buffers). Empty: `last` is no
  /// message.
  [[nodiscard]] Packet keep(const Incoming& last) noexcept {
    return last.is_message() ? received_->frame().packet(last.bytes()) : Packet();
  }

  /// The sequence number of the message that next() returned last, and its session. Of no meaning
  /// before the first message, and after next() found none.
  [[nodiscard]] std::uint64_t sequence() const noexcept {
    const ReceivedFrame& frame = received_->frame();
    return frame.header().sequence + frame.header().messages() - frame.left() - 1;
  }
  [[nodiscard]] const wire::Session& session() const noexcept {
    return received_->frame().header().session;
  }

  [[nodiscard]] SubscriptionStats stats() const noexcept {
    return {received_->delivered() + received_->behind(), received_->behind(),
            received_->other_sessions(), received_->framer().stats().messages};
  }
  /// Frames that came for its address and were dropped, by reason.
  [[nodiscard]] const DropCounters& drops() const noexcept { return received_->framer().drops(); }
  /// The lcore that all calls are made on. RunOn::kHere: the thread that made the Bus.
  [[nodiscard]] unsigned lcore() const noexcept { return lcore_; }

 private:
  detail::Received* received_;
  unsigned lcore_;
};

}  // namespace bab
