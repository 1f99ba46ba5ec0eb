#include "captured_messages.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <bab/base/error.hpp>
#include <bab/wire/frame_parser.hpp>

namespace testbab {
namespace {

struct Closer {
  void operator()(pcap_t* p) const noexcept { pcap_close(p); }
};

}  // namespace

CapturedMessages::CapturedMessages(const std::string& path, std::uint16_t udp_port, bool duplicates)
    : keeps_duplicates_(duplicates) {
  const auto refuse = [&](std::string_view why, std::string_view mend) {
    throw bab::Error(fmt::format("--replay={}: {}; {}", path, why, mend));
  };
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  const std::unique_ptr<pcap_t, Closer> file(pcap_open_offline_with_tstamp_precision(
      path.c_str(), PCAP_TSTAMP_PRECISION_NANO, why.data()));
  if (!file) {
    std::string_view text = why.data();  // libpcap begins with the path
    if (text.starts_with(path + ": ")) text.remove_prefix(path.size() + 2);
    refuse(text, "give a pcap or pcapng file that can be read");
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

bool CapturedMessages::is_duplicate(const bab::wire::Session& session, std::uint64_t sequence,
                                    std::span<const std::uint8_t> bytes) {
  if (keeps_duplicates_) return false;
  const auto place = seen_.find(session, sequence);
  if (!place) return false;
  const auto there = this->bytes(*place);
  if (std::equal(there.begin(), there.end(), bytes.begin(), bytes.end())) return true;
  seen_.forget(session);
  return false;
}

void CapturedMessages::add(std::span<const std::uint8_t> frame, std::uint64_t time_ns,
                           std::uint16_t udp_port) {
  ++frames_;
  bab::wire::ParsedFrame parsed;
  const bab::wire::ChecksumRules none{.verify_ip = false, .verify_udp = false};
  const bab::Drop reason = bab::wire::parse_frame(frame, none, udp_port, parsed);
  if (reason != bab::Drop::kNone) return others_.add(reason);
  const unsigned count = parsed.mold.messages();
  if (count == 0) {
    ++empty_;
    return;
  }
  const std::uint64_t begin = first_ns_.value_or(time_ns);
  const std::uint64_t since = time_ns - std::min(begin, time_ns);
  const std::uint64_t time = messages_.empty() ? 0 : std::max(since, messages_.back().time_ns);
  const std::size_t before = messages_.size();
  const std::uint8_t* at = parsed.blocks.data();
  for (unsigned i = 0; i < count; ++i) {
    const auto len = bab::wire::load_be<std::uint16_t>(at);
    at += bab::wire::kBlockLengthBytes;
    const std::span<const std::uint8_t> bytes(at, len);
    at += len;
    const std::uint64_t sequence = parsed.mold.sequence + i;
    if (is_duplicate(parsed.mold.session, sequence, bytes)) {
      ++duplicates_;
      continue;
    }
    if (!keeps_duplicates_) seen_.add(parsed.mold.session, sequence, messages_.size());
    messages_.push_back({time, bytes_.size(), len});
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    longest_ = std::max<std::uint32_t>(longest_, len);
  }
  ++(messages_.size() > before ? good_ : duplicate_frames_);
  first_ns_ = begin;
}

}  // namespace testbab
