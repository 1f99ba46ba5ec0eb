#pragma once

#include <span>

#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/queues.hpp>

#include "ledger_rows.hpp"
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
  [[nodiscard]] const bab::WriteFlusher<bab::TxQueue>& flusher() const noexcept { return flusher_; }

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
    return sent_messages(flusher_.stats(), queue_);
  }
  [[nodiscard]] const bab::wire::Session& session() const noexcept { return session_; }

  /// `written`, `frames`: what the writers say they handed over.
  void sum_up(Summary& summary, std::uint64_t written, std::uint64_t frames) const {
    summary.bus.lost += unsent_messages(flusher_.stats(), queue_);
    add_sent(summary,
             {.row = "messages written",
              .messages = written,
              .frames = frames,
              .flushed = flusher_.stats(),
              .drops = flusher_.drops(),
              .session = session_},
             queue_);
  }

 private:
  bab::TxQueue& queue_;
  bab::WriteFlusher<bab::TxQueue> flusher_;
  bab::wire::Session session_;
};

}  // namespace testbab
