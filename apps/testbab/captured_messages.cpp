#include "captured_messages.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <bab/base/error.hpp>
#include <bab/wire/frame_parser.hpp>
#include <bab/wire/message_range.hpp>

#include "stoppable_file.hpp"

namespace testbab {
namespace {

struct Closer {
  void operator()(pcap_t* p) const noexcept { pcap_close(p); }
};

}  // namespace

CapturedMessages::CapturedMessages(const std::string& path, std::uint16_t udp_port, bool duplicates,
                                   const StopSignals& signals)
    : keeps_duplicates_(duplicates) {
  bool stopped = false;
  const auto refuse = [&](std::string_view why, std::string_view mend) {
    if (stopped)
      throw bab::Error(
          fmt::format("--replay={}: stopped while it was read; nothing of it was sent", path));
    throw bab::Error(fmt::format("--replay={}: {}; {}", path, why, mend));
  };
  constexpr const char* kMend = "give a pcap or pcapng file that can be read";
  std::FILE* bytes = open_stoppable(path, signals, stopped);
  if (bytes == nullptr) refuse(std::strerror(errno), kMend);
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  const std::unique_ptr<pcap_t, Closer> file(
      pcap_fopen_offline_with_tstamp_precision(bytes, PCAP_TSTAMP_PRECISION_NANO, why.data()));
  if (!file) {
    std::fclose(bytes);
    refuse(why.data(), kMend);
  }
  if (const int link = pcap_datalink(file.get()); link != DLT_EN10MB) {
    const char* name = pcap_datalink_val_to_name(link);
    refuse(fmt::format("its frames are {}, not Ethernet", name != nullptr ? name : "unknown"),
           "capture on an Ethernet interface (not on \"any\")");
  }
  pcap_pkthdr* head = nullptr;
  const u_char* data = nullptr;
  int more = 0;
  while ((more = pcap_next_ex(file.get(), &head, &data)) == 1) {
    const auto ns = static_cast<std::uint64_t>(head->ts.tv_sec) * 1'000'000'000 +
                    static_cast<std::uint64_t>(head->ts.tv_usec);  // it's nanoseconds
    add({data, head->caplen}, ns, udp_port);
  }
  if (more == PCAP_ERROR) refuse(pcap_geterr(file.get()), "the file may have been cut short");
  if (messages_.empty()) {
    std::string reasons;
    for (std::size_t i = 1; i < bab::kDrops; ++i)
      if (const auto n = others_[static_cast<bab::Drop>(i)]; n > 0)
        reasons += fmt::format(", {} {}", n, bab::drop_name(static_cast<bab::Drop>(i)));
    refuse(fmt::format("no message in its {} frames ({} without messages{})", frames_, empty_,
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

void CapturedMessages::add(std::span<const std::uint8_t> frame, std::uint64_t time_ns,
                           std::uint16_t udp_port) {
  ++frames_;
  bab::wire::ParsedFrame parsed;
  const bab::wire::ChecksumRules none{.verify_ip = false, .verify_udp = false};
  const bab::Drop reason = bab::wire::parse_frame(frame, none, udp_port, parsed);
  if (reason != bab::Drop::kNone) return others_.add(reason);
  if (parsed.mold.messages() == 0) {
    ++empty_;
    return;
  }
  const std::uint64_t begin = first_ns_.value_or(time_ns);
  const std::uint64_t since = time_ns - std::min(begin, time_ns);
  const std::uint64_t time = messages_.empty() ? 0 : std::max(since, messages_.back().time_ns);
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
  first_ns_ = begin;
}

}  // namespace testbab
