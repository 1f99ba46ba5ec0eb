#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <bab/base/drops.hpp>

#include "replay_times.hpp"
#include "seen_messages.hpp"
#include "stop_signals.hpp"

namespace testbab {

/// The MoldUDP64 messages of a capture file (pcap or pcapng, whatever made it), in its order, in
/// memory. Checksums aren't looked at: where a NIC makes them, captures of what was sent have none
/// yet. A message that comes again, by its session, number and bytes, is left out unless
/// `duplicates`: one of both directions of a cable, or of the two lines of a feed, has each twice.
/// A frame that has other bytes under the same number is sent whole; where the next one does, too
/// (copies of the first don't count), the session began anew.
class CapturedMessages {
 public:
  /// `udp_port`: only datagrams to it; 0: all. Throws bab::Error: no such file, no capture, not of
  /// an Ethernet, no message in it, or stopped by a signal (a pipe's writer may keep one waiting).
  CapturedMessages(const std::string& path, std::uint16_t udp_port, bool duplicates,
                   const StopSignals& signals);

  [[nodiscard]] std::size_t size() const noexcept { return messages_.size(); }
  [[nodiscard]] std::span<const std::uint8_t> bytes(std::size_t i) const noexcept {
    return {bytes_.data() + messages_[i].offset, messages_[i].len};
  }
  /// Nanoseconds since the first message, never less than the one's before.
  [[nodiscard]] std::uint64_t time_ns(std::size_t i) const noexcept { return messages_[i].time_ns; }
  /// Of the longest message, in bytes.
  [[nodiscard]] std::uint32_t longest() const noexcept { return longest_; }

  /// Ethernet frames.
  [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }
  /// Frames that were passed over: of interfaces that are no Ethernet's.
  [[nodiscard]] std::uint64_t other_links() const noexcept { return other_links_; }
  [[nodiscard]] std::uint64_t frames_with_messages() const noexcept { return good_; }
  /// Frames of which each message was there before.
  [[nodiscard]] std::uint64_t duplicate_frames() const noexcept { return duplicate_frames_; }
  /// Messages that were left out.
  [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }
  /// Heartbeats and ends of session.
  [[nodiscard]] std::uint64_t empty_frames() const noexcept { return empty_; }
  /// Frames that are something else.
  [[nodiscard]] const bab::DropCounters& others() const noexcept { return others_; }

 private:
  struct Message {
    std::uint64_t time_ns;
    std::uint64_t offset;
    std::uint32_t len;
  };
  void add(std::span<const std::uint8_t> frame, std::uint64_t time_ns, std::uint16_t udp_port);

  using Bytes = std::span<const std::uint8_t>;
  [[nodiscard]] bool is_at(std::size_t place, Bytes bytes) const;
  void judge(SeenMessages& seen, std::uint64_t sequence, std::span<const Bytes> messages);

  const bool keeps_duplicates_;
  std::map<bab::wire::Session, SeenMessages> seen_;
  std::vector<Bytes> frame_;     // messages of the one that is looked at,
  std::vector<bool> duplicate_;  // of those, the ones that were there,
  bool beside_ = false;          // and whether it stands beside frames with the same numbers
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
