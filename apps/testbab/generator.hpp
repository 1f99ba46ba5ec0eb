#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/port.hpp>

#include "options.hpp"
#include "payload.hpp"
#include "poller.hpp"
#include "summary.hpp"
#include "token_bucket.hpp"

namespace testbab {

class Wiring;

/// Writer options for frames with this header on a port of this MTU.
bab::WriterOptions writer_options(const Options& options, const bab::wire::FrameHeader& header,
                                  std::uint32_t mtu);

/// Throws bab::Error when there are messages longer than the `most` bytes that a frame of this MTU holds.
void require_fit(const MessageSizes& sizes, std::uint32_t most, std::uint32_t mtu);

/// The `index`-th of `senders` equal shares of --rate, their messages taking turns. A sender that couldn't
/// send for a quarter of a second or less makes up for it.
TokenBucket share_of_rate(const Options& options, std::size_t index, std::size_t senders);

/// Makes one session's messages and sends them on one TX queue: writer, ring and flusher on one lcore.
class Generator final : public Poller {
 public:
  /// `count`: messages, 0 for no end. Throws bab::Error: messages that don't fit a frame.
  Generator(const Options& options, Wiring& wiring, std::size_t port, unsigned queue,
            std::uint64_t count, const TokenBucket& pace);

  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept override;

  /// After it has finished.
  [[nodiscard]] std::uint64_t generated() const noexcept { return next_ - 1; }
  [[nodiscard]] std::uint64_t sent() const noexcept;
  void sum_up(Summary& summary) const;

 private:
  unsigned generate(std::uint64_t now_tsc) noexcept;

  const std::uint64_t end_;  // sequence number not to be made
  std::uint64_t next_ = bab::wire::kMoldFirstSequence;
  TokenBucket pace_;
  Payload payload_;
  MessageSizes sizes_;
  bab::TxQueue& queue_;
  bab::wire::FrameHeader header_;
  bab::FrameRing ring_;
  bab::LocalWriter writer_;
  bab::WriteFlusher<bab::TxQueue> flusher_;
};

/// A Generator for each TX queue of the first `ports` ports, --count divided among them.
std::vector<std::unique_ptr<Poller>> make_generators(const Options& options, Wiring& wiring,
                                                     std::size_t ports);

}  // namespace testbab
