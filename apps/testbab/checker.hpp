#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <bab/wire/moldudp64.hpp>

#include "payload.hpp"
#include "summary.hpp"

namespace testbab {

/// Judges received streams: the sequence numbers of each session, and the payloads of streams that
/// testbab made. testbab made a stream if its session's name begins with TESTBAB, or if its first
/// message of 8 bytes or more is a Generator's; then all messages must be a Generator's.
class Checker {
 public:
  /// `strict`: every stream is a Generator's.
  explicit Checker(bool strict, PayloadPart part = PayloadPart::kAll)
      : strict_(strict), payload_(part) {}

  /// Once per frame, before its messages. Keeps the sequence.
  void begin(const bab::wire::MoldHeader& header) noexcept;
  /// Each message of the frame, in order.
  void message(std::span<const std::uint8_t> bytes) noexcept {
    if (stream_ != nullptr) {
      if (!stream_->ours) [[unlikely]]
        recognise(bytes);
      if (stream_->ours && !payload_.matches(bytes, sequence_)) [[unlikely]]
        judge(bytes);
    }
    ++sequence_;
  }

  /// `port_lost`: our own port lost frames, so that gaps of all streams are our loss.
  void sum_up(BusTotals& bus, bool port_lost) const;

  /// Messages missing in testbab's own streams.
  [[nodiscard]] std::uint64_t missing_of_ours() const noexcept;
  /// Sequence numbers of all streams up to the newest that came: with those behind it that were
  /// sent, and the missing ones, it says what didn't come without counting what came.
  [[nodiscard]] std::uint64_t reached() const noexcept;

 private:
  // More streams than this are received and counted, not judged.
  static constexpr std::size_t kMostStreams = 64;

  struct Stream {
    bab::wire::Session session;
    bool ours;
    bool judged;  ///< `ours` is settled
    bool named;   ///< `ours` by name, or because everything is: numbers are the Generator's own
    std::uint64_t next;
    std::uint64_t missing;
    std::uint64_t out_of_order;
    std::uint64_t duplicates;
  };

  Stream* find(const bab::wire::MoldHeader& header) noexcept;
  void judge(std::span<const std::uint8_t> bytes) noexcept;
  void recognise(std::span<const std::uint8_t> bytes) noexcept;

  bool strict_;
  Payload payload_;
  std::array<Stream, kMostStreams> streams_;
  std::size_t stream_count_ = 0;
  Stream* stream_ = nullptr;    // of the current frame
  std::uint64_t sequence_ = 0;  // of the next message
  std::uint64_t corrupt_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint64_t restarts_ = 0;
};

}  // namespace testbab
