#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <utility>

#include <bab/bus/detail/received.hpp>
#include <bab/bus/incoming.hpp>
#include <bab/memory/packet.hpp>
#include <bab/message/framer.hpp>

namespace bab {

/// What became of a subscription's frames.
struct SubscriptionStats {
  std::uint64_t frames = 0;          ///< that came for its address
  std::uint64_t behind = 0;          ///< of those, dropped unread: its backlog was full
  std::uint64_t other_sessions = 0;  ///< of those, of a session that it isn't for
  std::uint64_t messages = 0;        ///< in good frames so far, those of other sessions included
};

/// Where an address's messages are read: all calls on its lcore. Copied freely; all copies are the
/// same, and refer to their Bus, which outlives them.
class Subscription {
 public:
  Subscription(detail::Received& received, unsigned lcore) noexcept
      : received_(&received), lcore_(lcore) {}

  /// The next message or event, in order of arrival; nothing: there is none at hand. A bus that is
  /// turned by hand is turned before that is said, and what was written by hand is flushed. In a
  /// task, or a poller, nothing is turned: see ready().
  [[nodiscard]] Incoming next() noexcept {
    ReceivedFrame& frame = received_->frame();
    if (frame.left() > 0) [[likely]]
      return Incoming(frame.next_bytes());
    return received_->next_frame();
  }

  /// The frame that next() is in, with the messages that are left of it, or else the next one that
  /// has a message; empty: there is none, as with next(). For loops over many messages: next()
  /// keeps its place in memory, and a frame of the caller's own is in registers. A message of 32
  /// bytes that is written, sent and read takes 51 instructions with next(), 48 so, and 47 where
  /// the parts are put together by hand (callgrind, g++ -O3: bus_32, bus_frames_32, parts_32).
  ///
  ///     while (auto frame = in.next_frame())
  ///       while (frame.left() > 0) use(frame.next_bytes());
  [[nodiscard]] ReceivedFrame next_frame() noexcept {
    if (received_->frame().left() == 0 && !received_->find_frame()) return {};
    return std::move(received_->frame());
  }

  /// `co_await in.ready()`: kDone when next() has a message; kCancelled when the bus stops.
  ///
  ///     while (co_await in.ready() == bab::Outcome::kDone)
  ///       while (auto got = in.next()) use(got.bytes());
  [[nodiscard]] detail::MessageWait ready() noexcept { return detail::MessageWait(*received_); }

  /// A handle to the message that next() gave last, which stays when next() goes on. It pins its
  /// whole frame's buffer (BusPort::extra_buffers). Empty: there is none.
  [[nodiscard]] Packet keep(const Incoming& last) noexcept {
    return last.is_message() ? received_->frame().packet(last.bytes()) : Packet();
  }

  /// Of the message that next() gave last: its sequence number, and the session that this number is
  /// of.
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
  /// Frames that came for its address and are none of ours, by reason.
  [[nodiscard]] const DropCounters& drops() const noexcept { return received_->framer().drops(); }
  /// Where all calls are to be made; RunOn::kHere: on the thread that made the Bus.
  [[nodiscard]] unsigned lcore() const noexcept { return lcore_; }

 private:
  detail::Received* received_;
  unsigned lcore_;
};

}  // namespace bab
