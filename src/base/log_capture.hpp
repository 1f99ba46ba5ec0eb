#pragma once

#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace bab {

/// Captures DPDK's log while bab's EAL exists. It keeps the first 64 KiB, for the explanation of a
/// failure, and prints nothing. Only the text of rte_panic() and rte_exit() goes to standard error,
/// at once, because the process then ends. A stream that the host had given to DPDK before gets all
/// lines, and is DPDK's again afterwards. (If DPDK may close it meanwhile, a stream without a file
/// descriptor stays in place, gets all lines, and nothing is captured.) File descriptors stay as
/// they are. Any thread may log.
class LogCapture {
 public:
  LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  ~LogCapture();

  [[nodiscard]] std::string text() const;

  /// Whether a LogCapture that exists made this stream.
  static bool is_ours(const std::FILE* stream) noexcept;

 private:
  static constexpr std::size_t kMax = 64 * 1024;
  void append(std::string_view data);

  mutable std::mutex mutex_;
  std::string text_;
  std::thread::id ending_;       ///< the thread whose text is the last of the process
  std::FILE* before_ = nullptr;  ///< the host's stream; null: it had none
  std::FILE* stream_ = nullptr;  ///< null: nothing is captured
};

}  // namespace bab
