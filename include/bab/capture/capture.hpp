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
  std::optional<std::uint16_t> port{};  ///< only frames of this port
  std::uint16_t udp_port = 0;  ///< only UDP datagrams from or to this UDP port; 0: all frames
  std::uint32_t one_in = 1;    ///< one in N matching frames, counted per queue; 1 … 2^32 - 1
  /// Frames that can be on their way to the file, 64 or more. Queues get equal parts, at least 64.
  std::uint32_t buffers = 2048;
  /// The largest share of its lcore's working time that copies of one queue take, in the long run;
  /// above 0. If the writing thread has no CPU without an lcore, this is also roughly the limit for
  /// copies and writing of all queues together, on any lcore. In addition, the queues of an Lcore
  /// use about a fifth of its idle time, in equal parts, and time saved up for a few milliseconds.
  /// From 1 on there is no limit, and the writing thread shares CPUs with lcores like any other
  /// thread.
  double lcore_share = 0.02;
};

struct CaptureStats {
  std::uint64_t wanted = 0;   ///< frames that passed the filter
  std::uint64_t written = 0;  ///< of these, in the file
  /// Of these, not copied: the writing thread was behind, or lcore_share was used up.
  std::uint64_t missed = 0;
  /// Of these, not in the file because it can't be written, for example when the disk is full.
  std::uint64_t failed = 0;
};

/// Writes the frames of ports to a pcapng file while they pass, at the cost of one copy each. Each
/// queue's lcore copies frames into buffers of the capture and puts them into a ring; a thread of
/// the capture writes them. This thread runs on CPUs without a worker lcore. If there are none, it
/// runs on the CPU of the lcore with the most idle time, and lcores copy only as much as can be
/// written in the time that is left. No lcore waits for the thread: when an lcore has no buffer, or
/// has used up its share of time, it only counts the frame. wanted = written + missed + failed +
/// frames on their way to the file (none after stop()). A frame's time is that at which the lcore
/// saw the frame's burst; times of a queue are in order. Sent frames are those that the port took,
/// as they were given to it: checksums that are left to the NIC are not filled in yet.
class Capture {
 public:
  /// Begins at once. A queue can have one capture at a time. The ports must outlive the capture,
  /// and not be reconfigured meanwhile. Throws Error: the file can't be written, or a capture
  /// writes to it; there is no such port; one of the queues has a capture; an option is out of
  /// range; no memory. The file's earlier content is lost only when everything else is in place.
  /// Not on a polling lcore.
  Capture(std::span<Port* const> ports, const CaptureOptions& options);
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  /// Calls stop() and ignores its errors.
  ~Capture();

  /// Ends the capture: writes the frames that are on their way and the counts of each interface,
  /// and closes the file. Throws Error when not all frames could be written (stats() tells how
  /// many); the capture has ended in this case, too, and the file is whole up to that point. Not on
  /// a polling lcore.
  void stop();

  /// Any thread; a snapshot while the capture runs.
  [[nodiscard]] CaptureStats stats() const noexcept;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// errno of the first write that failed; 0: none did. Any thread.
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
