#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <rte_mbuf.h>
#include <rte_pcapng.h>

#include <bab/capture/capture.hpp>

namespace bab::detail {

/// A pcapng file that is whole up to the last write that succeeded. One thread at a time.
class CaptureFile {
 public:
  /// Opens the file, or makes it; its content stays until begin(). Throws Error: the file can't be
  /// written, is no file (and no device that never waits), or another capture writes to it.
  explicit CaptureFile(std::string path);
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;
  /// Closes the file; removes a file that was made for a capture that didn't begin.
  ~CaptureFile();

  /// Empties the file and writes its head. Throws Error.
  void begin();
  [[nodiscard]] bool has_begun() const noexcept { return pcapng_ != nullptr; }

  // After begin(). These return 0 or an errno; a write that fails leaves what was written before.
  int write(std::span<rte_mbuf*> blocks) noexcept;
  /// Writes how many frames of a port were `wanted`, and how many of these are not in the file:
  /// `dropped`.
  int write_counts(std::uint16_t port, std::uint64_t wanted, std::uint64_t dropped) noexcept;

 private:
  struct Closer {
    void operator()(rte_pcapng_t* p) const noexcept;
  };
  [[noreturn]] void fail(int code, const std::string& mend) const;
  void add_interfaces();
  int write(std::span<const iovec> parts) noexcept;

  std::string path_;
  int fd_ = -1;
  bool made_ = false, regular_ = false;
  std::uint64_t start_ns_ = 0;
  off_t good_ = 0;                                            // bytes of whole blocks
  std::array<std::uint32_t, RTE_MAX_ETHPORTS> interfaces_{};  // of ports, as numbered in the file
  std::unique_ptr<rte_pcapng_t, Closer> pcapng_;
};

}  // namespace bab::detail
