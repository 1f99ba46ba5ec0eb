#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "pcapng_reader.hpp"
#include "stop_signals.hpp"

struct pcap;

namespace testbab {

/// The Ethernet frames of a capture file, in its order: pcap (read by libpcap) or pcapng. Main
/// thread; a signal ends the wait for a pipe's writer. Whatever is wrong is a bab::Error that names
/// `option`=path.
class CaptureFile {
 public:
  /// `path`: "-" for standard input. `signals` must outlive it.
  CaptureFile(std::string_view option, const std::string& path, const StopSignals& signals);

  /// False: there are no more.
  bool next(CapturedFrame& frame);
  /// Frames that were passed over: of interfaces that are no Ethernet's.
  [[nodiscard]] std::uint64_t other_links() const noexcept { return other_links_; }
  /// Throws: "--replay=x.pcap: why; mend".
  [[noreturn]] void refuse(std::string_view why, std::string_view mend) const;

 private:
  struct Closer {
    void operator()(std::FILE* file) const noexcept;
    void operator()(pcap* file) const noexcept;
  };
  [[noreturn]] void refuse_link(int link) const;
  [[nodiscard]] PcapngReader::Read read(CapturedFrame& frame);

  std::string name_;
  bool stopped_ = false;
  std::unique_ptr<std::FILE, Closer> file_;  // of a pcapng; libpcap has its own
  std::unique_ptr<pcap, Closer> pcap_;
  std::unique_ptr<PcapngReader> pcapng_;
  std::uint64_t frames_ = 0, other_links_ = 0;
};

}  // namespace testbab
