#pragma once

#include <cstdint>

#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/port.hpp>

#include "options.hpp"
#include "poller.hpp"
#include "summary.hpp"

namespace testbab {

class Wiring;

/// Writer options for frames with this header on a port of this MTU.
bab::WriterOptions writer_options(const Options& options, const bab::wire::FrameHeader& header,
                                  std::uint32_t mtu);

/// Sends one session on one TX queue: writer, ring and flusher on one lcore. A derived class makes
/// the messages.
class Sender : public Poller {
 public:
  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept final;

  /// After it has finished.
  [[nodiscard]] std::uint64_t sent() const noexcept;
  /// Messages that have a sequence number and were not sent: receivers see a gap.
  [[nodiscard]] std::uint64_t unsent() const noexcept;
  [[nodiscard]] bab::wire::Session session() const noexcept { return header_.session(); }
  void sum_up(Summary& summary) const;
  [[nodiscard]] Level ring() const noexcept override { return {ring_.size(), ring_.capacity()}; }

 protected:
  Sender(const Options& options, Wiring& wiring, std::size_t port, unsigned queue);

  /// Writes the messages that are to be sent now: about kBytesPerTurn, and `frames` frames at most.
  /// Returns how many messages.
  virtual unsigned make(std::uint64_t now_tsc, std::uint32_t frames) noexcept = 0;
  /// All messages are written.
  [[nodiscard]] virtual bool made_all() const noexcept = 0;
  /// Messages written so far.
  [[nodiscard]] virtual std::uint64_t made() const noexcept = 0;
  /// Their row of the ledger.
  [[nodiscard]] virtual const char* row() const noexcept = 0;

  // A turn's share of written bytes: enough frames for a good burst, small enough to stay in the L2
  // cache.
  static constexpr std::uint32_t kBytesPerTurn = 64 * 1024;
  static constexpr std::uint32_t kPerMessage = 16;  ///< empty messages cost time, too

  [[nodiscard]] bab::LocalWriter& writer() noexcept { return writer_; }
  /// Messages that `frames` frames hold at least, and their bytes with kPerMessage for each.
  [[nodiscard]] std::uint64_t messages_of(std::uint32_t frames) const noexcept;
  [[nodiscard]] std::uint32_t bytes_of(std::uint32_t frames) const noexcept;

 private:
  [[nodiscard]] std::uint32_t frames_wanted() const noexcept;

  bab::TxQueue& queue_;
  bab::wire::FrameHeader header_;
  bab::FrameRing ring_;
  bab::LocalWriter writer_;
  bab::WriteFlusher<bab::TxQueue> flusher_;
  unsigned burst_;
  std::uint32_t messages_a_frame_;  // with so many it is closed; 0: when it is full
};

}  // namespace testbab
