#pragma once

#include <span>

#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/queues.hpp>

#include "poller.hpp"
#include "summary.hpp"

namespace testbab {

/// A WriteFlusher on an lcore of its own: one session out of several writers.
class FlusherPoller final : public Poller {
 public:
  FlusherPoller(bab::TxQueue& queue, const bab::wire::FrameHeader& header, unsigned burst)
      : Poller(Direction::kTx),
        queue_(queue),
        flusher_(queue, header, burst),
        session_(header.session()) {}

  bab::WriteFlusher<bab::TxQueue>& flusher() noexcept { return flusher_; }

  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept override {
    const unsigned work = flusher_.poll(now_tsc);
    if (phase == Phase::kAbandon) flusher_.drop_pending();
    if (phase != Phase::kRun && flusher_.idle()) finish();
    const bab::FlusherStats& s = flusher_.stats();
    live_tx.publish(s.messages, s.bytes, s.frames, 0);
    return work;
  }

  [[nodiscard]] std::string_view what() const noexcept override { return "flusher"; }

  /// After it has finished.
  [[nodiscard]] std::uint64_t sent() const noexcept {
    return flusher_.stats().messages - flusher_.stats().dropped_messages -
           queue_.refused_messages();
  }

  /// `written`, `frames`: what the writers say they handed over.
  void sum_up(Summary& summary, std::uint64_t written, std::uint64_t frames) const {
    const bab::FlusherStats& s = flusher_.stats();
    const std::uint64_t refused = queue_.refused_messages();
    summary.bus.messages_out += sent();
    summary.bus.bytes_out += s.bytes - s.dropped_bytes - queue_.refused_bytes();
    summary.bus.frames_out += queue_.counters().frames;
    summary.bus.lost += s.dropped_messages + refused;
    summary.drops += flusher_.drops();
    summary.ledger.row("messages written", written).out = {
        {"sent", sent()}, {"tx_full", s.dropped_messages}, {"tx_refused", refused}};
    summary.set_held_apart(session_);
    summary.ledger.row("frames written", frames).out = {
        {"sent", queue_.counters().frames},
        {"tx_full", flusher_.drops()[bab::Drop::kTxFull]},
        {"tx_refused", queue_.drops()[bab::Drop::kTxRefused]}};
  }

 private:
  bab::TxQueue& queue_;
  bab::WriteFlusher<bab::TxQueue> flusher_;
  bab::wire::Session session_;
};

}  // namespace testbab
