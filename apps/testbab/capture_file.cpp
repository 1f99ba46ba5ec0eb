#include "capture_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <bab/base/error.hpp>

#include "stoppable_file.hpp"

namespace testbab {
namespace {

constexpr const char* kReadable = "give a pcap or pcapng file that can be read";
constexpr const char* kCutShort = "the file may have been cut short";

/// The first 4 bytes are pcapng's. They stay to be read: glibc takes back what was just read,
/// however much that is.
bool is_pcapng(std::FILE* file) {
  std::array<unsigned char, 4> magic{};
  std::size_t n = std::fread(magic.data(), 1, magic.size(), file);
  const bool is =
      n == magic.size() && magic == std::array<unsigned char, 4>{0x0a, 0x0d, 0x0d, 0x0a};
  while (n > 0) std::ungetc(magic.at(--n), file);
  return is;
}

}  // namespace

void CaptureFile::Closer::operator()(std::FILE* file) const noexcept { std::fclose(file); }
void CaptureFile::Closer::operator()(pcap* file) const noexcept { pcap_close(file); }

CaptureFile::CaptureFile(std::string_view option, const std::string& path,
                         const StopSignals& signals)
    : name_(fmt::format("{}={}", option, path)), file_(open_stoppable(path, signals, stopped_)) {
  if (!file_) refuse(std::strerror(errno), kReadable);
  if (is_pcapng(file_.get())) {
    pcapng_ = std::make_unique<PcapngReader>(file_.get());
    return;
  }
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  pcap_.reset(pcap_fopen_offline_with_tstamp_precision(file_.get(), PCAP_TSTAMP_PRECISION_NANO,
                                                       why.data()));
  if (!pcap_) refuse(why.data(), kReadable);
  (void)file_.release();
  if (const int link = pcap_datalink(pcap_.get()); link != DLT_EN10MB) refuse_link(link);
}

void CaptureFile::refuse(std::string_view why, std::string_view mend) const {
  if (stopped_)
    throw bab::Error(fmt::format("{}: stopped while it was read; nothing of it was sent", name_));
  throw bab::Error(fmt::format("{}: {}; {}", name_, why, mend));
}

void CaptureFile::refuse_link(int link) const {
  const char* name = pcap_datalink_val_to_name(link);
  refuse(fmt::format("its frames are {}, not Ethernet",
                     name != nullptr ? name : fmt::format("of link type {}", link)),
         "capture on an Ethernet interface (not on \"any\")");
}

PcapngReader::Read CaptureFile::read(CapturedFrame& frame) {
  if (pcapng_) return pcapng_->next(frame);
  pcap_pkthdr* head = nullptr;
  const u_char* data = nullptr;
  const int more = pcap_next_ex(pcap_.get(), &head, &data);
  if (more != 1) return more == PCAP_ERROR ? PcapngReader::Read::kFailed : PcapngReader::Read::kEnd;
  constexpr std::uint64_t kNsPerS = 1'000'000'000;
  frame = {{data, head->caplen},
           static_cast<std::uint64_t>(head->ts.tv_sec) * kNsPerS +
               static_cast<std::uint64_t>(head->ts.tv_usec),  // it's nanoseconds
           true};
  return PcapngReader::Read::kFrame;
}

bool CaptureFile::next(CapturedFrame& frame) {
  PcapngReader::Read what{};
  while ((what = read(frame)) == PcapngReader::Read::kFrame) {
    if (frame.is_ethernet) {
      ++frames_;
      return true;
    }
    ++other_links_;
  }
  if (what == PcapngReader::Read::kFailed) {
    if (!pcapng_) refuse(pcap_geterr(pcap_.get()), kCutShort);
    refuse(pcapng_->error(), pcapng_->is_cut_short() ? kCutShort : kReadable);
  }
  if (frames_ == 0 && other_links_ > 0) refuse_link(static_cast<int>(pcapng_->other_link()));
  return false;
}

}  // namespace testbab
