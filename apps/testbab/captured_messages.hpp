#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <bab/base/drops.hpp>

#include "replay_times.hpp"
#include "seen_messages.hpp"
#include "stop_signals.hpp"

namespace testbab {

/// The MoldUDP64 messages of a capture file (pcap or pcapng), in the order of the file, in memory.
/// Checksums aren't looked at: where a NIC computes them, captures of sent frames don't have them
/// yet.
///
/// A message that comes again, with the same session, number and bytes, is left out unless
/// `duplicates`: a capture of both directions of a cable, or of both lines of a feed, has each
/// message twice. A frame that has other bytes under the same number is sent whole. If the next one
/// has other bytes, too (copies of the first don't count), the session began anew.
class CapturedMessages {
 public:
  /// `udp_port`: only datagrams to it; 0: all. Throws bab::Error: there is no such file, it is no
  /// capture of an Ethernet, it has no message, or a signal ended the reading (which may wait for a
  /// pipe's writer).
  CapturedMessages(const std::string& path, std::uint16_t udp_port, bool duplicates,
                   const StopSignals& signals);

  [[nodiscard]] std::size_t size() const noexcept { return messages_.size(); }
  [[nodiscard]] std::span<const std::uint8_t> bytes(std::size_t i) const noexcept {
    return {bytes_.data() + messages_[i].offset, messages_[i].len};
  }
  /// Nanoseconds since the first message. Never less than those of the message before.
  [[nodiscard]] std::uint64_t time_ns(std::size_t i) const noexcept { return messages_[i].time_ns; }
  /// Length of the longest message, in bytes.
  [[nodiscard]] std::uint32_t longest() const noexcept { return longest_; }

  /// Ethernet frames.
  [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }
  /// Frames that were passed over: of interfaces that are no Ethernet's.
  [[nodiscard]] std::uint64_t other_links() const noexcept { return other_links_; }
  [[nodiscard]] std::uint64_t frames_with_messages() const noexcept { return good_; }
  /// Frames in which every message is a duplicate.
  [[nodiscard]] std::uint64_t duplicate_frames() const noexcept { return duplicate_frames_; }
  /// Messages that were left out.
  [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }
  /// Heartbeats and ends of session.
  [[nodiscard]] std::uint64_t empty_frames() const noexcept { return empty_; }
  /// Frames that aren't MoldUDP64.
  [[nodiscard]] const bab::DropCounters& others() const noexcept { return others_; }

 private:
  struct Message {
    std::uint64_t time_ns;
    std::uint64_t offset;
    std::uint32_t len;
  };
  void add(std::span<const std::uint8_t> frame, std::optional<std::uint64_t> time_ns,
           std::uint16_t udp_port);

  using Bytes = std::span<const std::uint8_t>;
  [[nodiscard]] bool is_at(std::size_t place, Bytes bytes) const;
  void judge(SeenMessages& seen, std::uint64_t sequence, std::span<const Bytes> messages);

  const bool keeps_duplicates_;
  std::map<bab::wire::Session, SeenMessages> seen_;
  std::vector<Bytes> frame_;     // messages of the frame that is looked at,
  std::vector<bool> duplicate_;  // whether each of them is a duplicate,
  bool beside_ = false;          // and whether other frames had the same numbers
  std::vector<std::uint8_t> bytes_;
  std::vector<Message> messages_;
  std::uint32_t longest_ = 0;
  ReplayTimes times_;
  std::uint64_t other_links_ = 0;
  std::uint64_t frames_ = 0, good_ = 0, empty_ = 0;
  std::uint64_t duplicates_ = 0, duplicate_frames_ = 0;
  bab::DropCounters others_;
};

}  // namespace testbab
