#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <bab/port/port.hpp>
#include <bab/port/tap.hpp>

namespace bab {

enum class CaptureDirection : std::uint8_t { kBoth, kRx, kTx };

struct CaptureOptions {
  std::string path{};
  CaptureDirection direction = CaptureDirection::kBoth;
  std::optional<std::uint16_t> port{};  ///< only this one's frames
  std::uint16_t udp_port = 0;           ///< only UDP datagrams from or to it; 0: all frames
  std::uint32_t one_in = 1;             ///< of those, each queue's every so-manieth; 1 … 2^32 - 1
  std::uint32_t buffers = 1024;         ///< frames under way to the file, for all queues together
};

struct CaptureStats {
  std::uint64_t wanted = 0;   ///< frames that passed the filter
  std::uint64_t written = 0;  ///< of those, in the file
  std::uint64_t missed = 0;   ///< of those, not copied: the file's writer was behind
  std::uint64_t failed = 0;   ///< of those, copied but not written: the disk is full, or the like
};

/// Writes the frames of ports to a pcapng file while they pass, for a copy each: the queues' lcores
/// copy them from a pool of its own into a ring each, a thread of its own writes. wanted = written + missed +
/// failed + what is under way, which is nothing after stop(). Times are those at which the lcore saw the frame, by
/// the TSC: they drift from the clock where DPDK can only estimate its rate. Sent frames are those that the port
/// took, as they were handed to it (checksums left to a NIC are not in yet).
class Capture {
 public:
  /// Begins at once. One capture a queue at a time. The ports must outlive it and not be reconfigured
  /// meanwhile. Throws Error: a file that can't be written, no such port, a capture on one of the queues
  /// already (its file must be another one: this one's is emptied first), no memory. Not on a polling lcore.
  Capture(std::span<Port* const> ports, const CaptureOptions& options);
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  /// stop(), its errors left out.
  ~Capture();

  /// Ends it: what is under way is written, then the counts of each interface, and the file is closed. Throws Error
  /// when not everything got there (stats() says how much); the capture has ended all the same.
  void stop();

  /// Any thread; a moment's figures while it runs.
  [[nodiscard]] CaptureStats stats() const noexcept;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Errno of the first write that failed; 0: none did.
  [[nodiscard]] int error() const noexcept { return error_.load(std::memory_order_relaxed); }

 private:
  class Queue;
  class File;

  void take_off() noexcept;
  void write_all() noexcept;
  [[nodiscard]] bool write_some() noexcept;

  std::string path_;
  std::unique_ptr<File> file_;
  std::vector<std::unique_ptr<Queue>> queues_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> error_{0};
  std::atomic<std::uint64_t> written_{0}, failed_{0};
  std::thread thread_;
};

}  // namespace bab
