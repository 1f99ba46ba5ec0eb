#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include <rte_mbuf.h>

#include <bab/base/counter.hpp>
#include <bab/base/spsc_ring.hpp>
#include <bab/bus/detail/hand.hpp>
#include <bab/bus/incoming.hpp>
#include <bab/lcore/wait.hpp>
#include <bab/message/framer.hpp>

namespace bab::detail {

/// A subscription's end where messages are read, and the ring to it from where its port is polled.
class Received {
 public:
  /// `hand`: null where it isn't turned by hand.
  Received(const FramerOptions& framer, std::optional<wire::Session> session, std::uint32_t backlog,
           BusHand* hand);
  Received(const Received&) = delete;
  Received& operator=(const Received&) = delete;
  ~Received() { drop_all(); }

  // Where the port is polled.

  /// Frames that there is room for.
  [[nodiscard]] unsigned room() const noexcept {
    return backlog_ - std::min(backlog_, ring_.size());
  }
  /// Takes over the caller's share of each; those without room are dropped and counted.
  void push(std::span<rte_mbuf* const> frames) noexcept;
  /// Any thread.
  [[nodiscard]] std::uint64_t delivered() const noexcept { return delivered_; }
  [[nodiscard]] std::uint64_t behind() const noexcept { return behind_; }
  /// Frames that came and were not read to their end. The one that was read last counts until the
  /// next one is asked for. A moment's figure: 0 also while the first of a burst is being taken.
  [[nodiscard]] std::uint64_t waiting() const noexcept;

  // Where it is read.

  [[nodiscard]] ReceivedFrame& frame() noexcept { return frame_; }
  [[nodiscard]] const ReceivedFrame& frame() const noexcept { return frame_; }
  [[nodiscard]] const Framer& framer() const noexcept { return framer_; }
  [[nodiscard]] std::uint64_t other_sessions() const noexcept { return other_sessions_; }
  /// Goes on to the next frame that has a message. False: there is none; the one before is let go
  /// of all the same.
  bool advance() noexcept {
    Took took = take();
    while (took == Took::kOther) [[unlikely]] took = take();
    return took == Took::kFrame;
  }
  /// The same; a bus that is turned by hand is turned where there is none at hand.
  bool find_frame() noexcept;
  /// next() where the frame has no more messages.
  Incoming next_frame() noexcept;

  /// When nobody polls the port or reads any more. Returns frames that were not wholly read.
  std::uint64_t drop_all() noexcept;

 private:
  /// kOther: the frame has nothing for this subscription.
  enum class Took : std::uint8_t { kNothing, kFrame, kOther };
  [[gnu::noinline]] Took take() noexcept;
  [[gnu::noinline]] bool turn_for_frame() noexcept;

  ReceivedFrame frame_;
  BusHand* hand_;
  Framer framer_;
  std::optional<wire::Session> session_;
  std::uint64_t other_sessions_ = 0;
  Counter next_;  // of burst_; 0: there is nothing in it
  Counter size_;
  std::array<rte_mbuf*, 32> burst_;  // 32 is a usual burst
  SpscRing<rte_mbuf> ring_;
  std::uint32_t backlog_;
  Counter delivered_;
  Counter behind_;
};

/// Waits until there is a message to read.
class MessageWait final : public Wait {
 public:
  explicit MessageWait(Received& received) noexcept : received_(received) {}
  Outcome await_resume() const noexcept { return outcome(); }

 private:
  bool poll() noexcept override { return received_.frame().left() > 0 || received_.advance(); }
  Received& received_;
};

}  // namespace bab::detail
