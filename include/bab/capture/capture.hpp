#pragma once

#include <bab/detail/build.hpp>

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <bab/port/port.hpp>

namespace bab {

namespace detail {
class CaptureFile;
class CaptureQueue;
}  // namespace detail

enum class CaptureDirection : std::uint8_t { kBoth, kRx, kTx };

struct CaptureOptions {
  std::string path{};
  CaptureDirection direction = CaptureDirection::kBoth;
  std::optional<std::uint16_t> port{};  ///< only this one's frames
  std::uint16_t udp_port = 0;           ///< only UDP datagrams from or to it; 0: all frames
  std::uint32_t one_in = 1;             ///< of those, each queue's every so-manieth; 1 … 2^32 - 1
  std::uint32_t buffers =
      2048;  ///< frames under way to the file; each queue has its part, 64 or more
  /// The most that a queue's copies take of the time in which its lcore has work, in the long run;
  /// above 0. Where the writing thread has no CPU without an lcore, all queues' copies and writing
  /// together take no more of any lcore's work, nearly. Beside it an Lcore's queues take about a
  /// fifth of what it has idle, in equal parts, and what was saved up for some milliseconds. From 1
  /// on there is no bound, and the writing thread shares CPUs with lcores as any thread does.
  double lcore_share = 0.02;
};

struct CaptureStats {
  std::uint64_t wanted = 0;   ///< frames that passed the filter
  std::uint64_t written = 0;  ///< of those, in the file
  std::uint64_t missed =
      0;  ///< of those, not copied: the file's writer was behind, or lcore_share was used up
  std::uint64_t failed =
      0;  ///< of those, not in the file since it can't be written: the disk is full, or the like
};

/// Writes the frames of ports to a pcapng file while they pass, for a copy each: the queues' lcores
/// copy them from a pool of its own into a ring each, a thread of its own writes. That thread takes
/// CPUs that no worker lcore runs on; where there are none, that of the lcore with the most idle
/// time, and lcores copy no more than can be written in the time there is. No lcore waits for it:
/// with no buffer to copy into, or its share of time used up, it only counts. wanted = written +
/// missed + failed + what is under way, which is nothing after stop(). Times are those at which the
/// lcore saw the frame's burst, and in order for each queue. Sent frames are those that the port
/// took, as they were handed to it (checksums left to a NIC are not in yet).
class Capture {
 public:
  /// Begins at once. One capture a queue at a time. The ports must outlive it and not be
  /// reconfigured meanwhile. Throws Error: a file that can't be written or that a capture writes
  /// already, no such port, a capture on one of the queues already, no memory; what the file had is
  /// lost only when all else is in place. Not on a polling lcore.
  Capture(std::span<Port* const> ports, const CaptureOptions& options);
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  /// stop(), its errors left out.
  ~Capture();

  /// Ends it: what is under way is written, then the counts of each interface, and the file is
  /// closed. Throws Error when not everything got there (stats() says how much); the capture has
  /// ended all the same, and the file is whole up to there.
  void stop();

  /// Any thread; a moment's figures while it runs.
  [[nodiscard]] CaptureStats stats() const noexcept;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Errno of the first write that failed; 0: none did.
  [[nodiscard]] int error() const noexcept { return error_.load(std::memory_order_relaxed); }

 private:
  void add_queues(std::span<Port* const> ports, const CaptureOptions& options);
  void start_writing();
  void stop_writing() noexcept;
  void take_off() noexcept;

  std::string path_;
  const bool comes_first_;
  std::unique_ptr<detail::CaptureFile> file_;
  std::vector<std::unique_ptr<detail::CaptureQueue>> queues_;
  std::latch begun_{1};
  std::atomic<bool> stopping_{false};
  std::atomic<int> error_{0};
  std::atomic<std::uint64_t> written_{0};
  std::optional<pthread_t> thread_;
};

}  // namespace bab
