#include "captured_messages.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <bab/wire/frame_parser.hpp>
#include <bab/wire/message_range.hpp>

#include "capture_file.hpp"

namespace testbab {

CapturedMessages::CapturedMessages(const std::string& path, std::uint16_t udp_port, bool duplicates,
                                   const StopSignals& signals)
    : keeps_duplicates_(duplicates) {
  CaptureFile file("--replay", path, signals);
  for (CapturedFrame frame; file.next(frame);) add(frame.bytes, frame.time_ns, udp_port);
  other_links_ = file.other_links();
  if (messages_.empty()) {
    std::string reasons;
    for (std::size_t i = 1; i < bab::kDrops; ++i)
      if (const auto n = others_[static_cast<bab::Drop>(i)]; n > 0)
        reasons += fmt::format(", {} {}", n, bab::drop_name(static_cast<bab::Drop>(i)));
    file.refuse(fmt::format("no message in its {} frames ({} without messages{})", frames_, empty_,
                            reasons),
                "give a capture of MoldUDP64");
  }
  seen_ = {};
}

bool CapturedMessages::is_at(std::size_t place, Bytes bytes) const {
  const auto there = this->bytes(place);
  return std::equal(there.begin(), there.end(), bytes.begin(), bytes.end());
}

/// Looks at the messages of a frame. They are new, or they are duplicates as far as the session had
/// them. Or the session had other messages under their numbers; then all of them are sent.
void CapturedMessages::judge(SeenMessages& seen, std::uint64_t sequence,
                             std::span<const Bytes> messages) {
  bool differs = false, repeats = false, repeats_other = false;
  duplicate_.assign(messages.size(), false);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto place = seen.find(sequence + i);
    const auto other =
        seen.any_other(sequence + i, [&](std::size_t at) { return is_at(at, messages[i]); });
    const bool again = place && is_at(*place, messages[i]);
    duplicate_[i] = again || other.value_or(false);
    repeats |= again;
    repeats_other |= duplicate_[i] && !again;
    differs |= (place || other) && !duplicate_[i];
  }
  beside_ = differs ? seen.differed(sequence + messages.size()) : repeats_other && !repeats;
  if (differs)
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const auto place = seen.find(sequence + i);
      duplicate_[i] = !beside_ && place && is_at(*place, messages[i]);  // of what began anew
    }
  else if (!beside_)
    seen.went_on();
}

void CapturedMessages::add(std::span<const std::uint8_t> frame,
                           std::optional<std::uint64_t> time_ns, std::uint16_t udp_port) {
  ++frames_;
  bab::wire::ParsedFrame parsed;
  const bab::wire::ChecksumRules none{.verify_ip = false, .verify_udp = false};
  const bab::Drop reason = bab::wire::parse_frame(frame, none, udp_port, parsed);
  if (reason != bab::Drop::kNone) return others_.add(reason);
  if (parsed.mold.messages() == 0) {
    ++empty_;
    return;
  }
  const std::uint64_t time = time_ns ? times_.due(*time_ns) : times_.due();
  const std::size_t before = messages_.size();
  frame_.clear();
  for (const Bytes message : bab::wire::MessageRange(parsed.blocks)) frame_.push_back(message);
  SeenMessages* seen = keeps_duplicates_ ? nullptr : &seen_[parsed.mold.session];
  if (seen != nullptr) judge(*seen, parsed.mold.sequence, frame_);
  for (std::size_t i = 0; i < frame_.size(); ++i) {
    if (seen != nullptr && duplicate_[i]) {
      ++duplicates_;
      continue;
    }
    if (const std::uint64_t sequence = parsed.mold.sequence + i; seen != nullptr) {
      if (beside_ || seen->find(sequence))
        seen->add_other(sequence, messages_.size());
      else
        seen->add(sequence, messages_.size());
    }
    const Bytes bytes = frame_[i];
    messages_.push_back({time, bytes_.size(), static_cast<std::uint32_t>(bytes.size())});
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    longest_ = std::max(longest_, static_cast<std::uint32_t>(bytes.size()));
  }
  ++(messages_.size() > before ? good_ : duplicate_frames_);
}

}  // namespace testbab
