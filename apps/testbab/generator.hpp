#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "options.hpp"
#include "payload.hpp"
#include "sender.hpp"
#include "token_bucket.hpp"

namespace testbab {

class Wiring;

/// Throws bab::Error when a message can be longer than `most` bytes, which is what a frame of this
/// MTU holds.
void require_fit(const MessageSizes& sizes, std::uint32_t most, std::uint32_t mtu);

/// The pace of the `index`-th of `senders` senders: they share --rate equally and take turns. A
/// sender that couldn't send for a quarter of a second or less makes up for it.
TokenBucket share_of_rate(const Options& options, std::size_t index, std::size_t senders);

/// Makes one session's messages and sends them on one TX queue.
class Generator final : public Sender {
 public:
  /// `count`: messages, 0 for no end. Throws bab::Error: messages that don't fit a frame.
  Generator(const Options& options, Wiring& wiring, std::size_t port, unsigned queue,
            std::uint64_t count, const TokenBucket& pace);

 private:
  unsigned make(std::uint64_t now_tsc, std::uint32_t frames) noexcept override;
  [[nodiscard]] bool made_all() const noexcept override { return next_ == end_; }
  [[nodiscard]] std::uint64_t made() const noexcept override {
    return next_ - bab::wire::kMoldFirstSequence;
  }
  [[nodiscard]] const char* row() const noexcept override { return "messages generated"; }

  const std::uint64_t end_;  // one more than the last sequence number
  std::uint64_t next_ = bab::wire::kMoldFirstSequence;
  TokenBucket pace_;
  Payload payload_;
  MessageSizes sizes_;
  std::uint32_t least_a_frame_ = 0;  // how many of the longest messages a frame holds
};

/// A Generator for each TX queue of the first `ports` ports, --count divided among them.
std::vector<std::unique_ptr<Generator>> make_generators(const Options& options, Wiring& wiring,
                                                        std::size_t ports);

}  // namespace testbab
