#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <bab/wire/moldudp64.hpp>

#include "missing_numbers.hpp"
#include "payload.hpp"
#include "session_table.hpp"
#include "summary.hpp"

namespace testbab {

/// Judges received streams: the sequence numbers of each session, and the payloads of streams that
/// testbab made. testbab made a stream if its session's name begins with TESTBAB, or if its first
/// message of 8 bytes or more is a Generator's; then all messages must be a Generator's.
class Checker {
 public:
  /// Messages of sessions beyond these are counted, and not judged.
  static constexpr std::size_t kMaxStreams = 4096;
  /// Gaps of a stream that later messages may fill. Older ones stay.
  static constexpr std::size_t kMaxGaps = 64;

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
    } else {
      ++unjudged_;
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
  struct Stream {
    bool ours = false;
    bool judged = false;  ///< `ours` is settled
    /// `ours` by name, or because everything is: numbers are the Generator's own.
    bool named = false;
    std::uint64_t next = 0;
    MissingNumbers missing{};
    std::uint64_t out_of_order = 0;
    std::uint64_t duplicates = 0;
    /// A frame with number 1 came again: what it was taken for, until the one behind it shows
    /// whether the sender began again.
    struct {
      std::uint64_t next = 0;  ///< 0: none came
      std::uint64_t filled = 0;
      std::uint64_t duplicates = 0;
      std::uint64_t out_of_order = 0;
    } again{};
  };

  Stream* find(const bab::wire::MoldHeader& header) noexcept;
  void take_old(Stream& s, std::uint64_t sequence, std::uint64_t end) noexcept;
  static void begin_again(Stream& s, std::uint64_t end) noexcept;
  void judge(std::span<const std::uint8_t> bytes) noexcept;
  void recognise(std::span<const std::uint8_t> bytes) noexcept;

  bool strict_;
  Payload payload_;
  SessionTable<Stream, kMaxStreams> streams_;
  // A stream's share is touched when it has a gap.
  std::unique_ptr<MissingNumbers::Range[]> gap_memory_ =
      std::make_unique_for_overwrite<MissingNumbers::Range[]>(kMaxStreams * kMaxGaps);
  bab::wire::Session session_{};  // of the current frame
  Stream* stream_ = nullptr;      // null: it isn't judged
  std::uint64_t sequence_ = 0;    // of the next message
  std::uint64_t corrupt_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint64_t restarts_ = 0;
  std::uint64_t unjudged_ = 0;
};

}  // namespace testbab
