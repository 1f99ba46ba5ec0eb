#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <bab/base/counter.hpp>
#include <bab/message/framer.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/queues.hpp>

#include "histogram.hpp"
#include "options.hpp"
#include "payload.hpp"
#include "poller.hpp"
#include "summary.hpp"
#include "token_bucket.hpp"

namespace testbab {

class Wiring;

/// Sends numbered messages at a steady rate on one port and measures the time until each comes back
/// there. The time counts from when a message should have gone, not from when it could go: a
/// message that waits behind a slow answer, or because this lcore was away, is as late as a user of
/// that rate would find it (no coordinated omission). Each message goes at once, in a frame of its
/// own unless several are due.
class PingPoller final : public Poller {
 public:
  static constexpr std::uint64_t kRate = 5000;  ///< messages/s, unless --rate says more or less
  /// Messages under way at once. Others that are due wait.
  static constexpr std::size_t kWindow = 65536;
  static constexpr std::uint32_t kShortest =
      16;  ///< bytes: when it should have gone, and its number

  /// Throws bab::Error: messages that are too short, --rate=0.
  static void require(const Options& options);

  /// Throws bab::Error: the same, and messages that don't fit.
  PingPoller(const Options& options, Wiring& wiring, std::size_t port);

  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept override;
  [[nodiscard]] std::string_view what() const noexcept override { return "ping"; }
  [[nodiscard]] Level ring() const noexcept override { return {ring_.size(), ring_.capacity()}; }

  /// Messages that went, and those that came back.
  [[nodiscard]] std::uint64_t progress() const noexcept override {
    return live_tx.frames + ticks_.count();
  }

  /// So far. Any thread.
  [[nodiscard]] Latency latency() const;

  void sum_up(Summary& summary) const;

 private:
  enum class State : std::uint8_t { kNone, kUnderWay, kBack, kLost };
  struct Slot {
    std::uint64_t intended = 0;  // TSC
    std::uint64_t written = 0;   // TSC
    State state = State::kNone;
  };
  Slot& slot(std::uint64_t number) noexcept { return slots_[number % kWindow]; }

  unsigned receive() noexcept;
  void judge(std::span<const std::uint8_t> message, std::uint64_t now) noexcept;
  unsigned generate() noexcept;
  void expire(std::uint64_t now) noexcept;

  const std::uint64_t end_;  // one more than the last number
  std::uint64_t next_ = 1;
  std::uint64_t oldest_ = 1;  // all before it are back or lost
  std::uint64_t timeout_;     // ticks
  TokenBucket pace_;
  Payload payload_;
  MessageSizes sizes_;
  std::vector<Slot> slots_;
  std::vector<bab::RxQueue*> rx_;
  std::array<rte_mbuf*, 512> burst_;
  unsigned burst_size_;
  std::uint64_t behind_ = 0;  // frames since the queues were last found empty
  bab::Framer framer_;
  bab::TxQueue& queue_;
  bab::wire::FrameHeader header_;
  bab::FrameRing ring_;
  bab::LocalWriter writer_;
  bab::WriteFlusher<bab::TxQueue> flusher_;

  Histogram ticks_;
  std::uint64_t back_ = 0;  // in time
  bab::Counter late_;
  bab::Counter lost_;  // not back in time, and not since
  bab::Counter given_up_;
  std::uint64_t corrupt_ = 0;
  std::uint64_t duplicates_ = 0;
};

}  // namespace testbab
