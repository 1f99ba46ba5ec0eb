#pragma once

#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace bab {

/// DPDK's log while bab's EAL is there: the first 64 KiB are kept for whoever has to explain a
/// failure, and a library prints nothing. Two things go to standard error at once, since the
/// process ends then: the words of a panic (rte_panic()) and of rte_exit(). A stream that the host
/// had given to DPDK before gets all lines, and is DPDK's again afterwards. (Where DPDK may have
/// closed it by then, a stream without a file stays instead, and gets all alone.) File descriptors
/// stay what they are. Any thread may log.
class LogCapture {
 public:
  LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  ~LogCapture();

  [[nodiscard]] std::string text() const;

  /// Whether that is the stream of one that is there.
  static bool is_ours(const std::FILE* stream) noexcept;

 private:
  static constexpr std::size_t kMost = 64 * 1024;
  void append(std::string_view data);

  mutable std::mutex mutex_;
  std::string text_;
  std::thread::id ending_;       ///< whose words are the process's last
  std::FILE* before_ = nullptr;  ///< the host's; null: it had none
  std::FILE* stream_ = nullptr;  ///< null: the host's stays
};

}  // namespace bab
