#include "log_capture.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include <rte_log.h>

#include <bab/base/error.hpp>

#include "../detail/dpdk/log_stream.hpp"

namespace bab {
namespace {

std::atomic<const std::FILE*> current{nullptr};

/// How the text of rte_panic() and rte_exit() begins (lib/eal/common/eal_common_debug.c).
bool ends_the_process(std::string_view data) noexcept {
  if (data.starts_with("EAL: ")) data.remove_prefix(5);
  return data.starts_with("PANIC in ") || data.starts_with("Error - exiting with code: ");
}

void say_at_once(std::string_view data) noexcept {
  while (!data.empty()) {
    const ssize_t n = write(STDERR_FILENO, data.data(), data.size());
    if (n <= 0) return;
    data.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

LogCapture::LogCapture() {
  std::FILE* const now = rte_log_get_stream();
  // DPDK's own streams have no file descriptor. DPDK would close such a stream, and lines could
  // later be written to the closed stream. Therefore it stays, and nothing is captured.
  if (detail::dpdk::openlog_may_close_the_stream_before() && fileno(now) < 0) return;
  cookie_io_functions_t io{};
  io.write = [](void* self, const char* data, std::size_t n) -> ssize_t {
    static_cast<LogCapture*>(self)->append({data, n});
    return static_cast<ssize_t>(n);
  };
  stream_ = fopencookie(this, "w", io);
  if (stream_ == nullptr) throw Error::from_code("opening a stream for DPDK's log", errno);
  setvbuf(stream_, nullptr, _IOLBF, 0);
  before_ = now == stderr ? nullptr : now;
  rte_openlog_stream(stream_);
  current = stream_;
}

LogCapture::~LogCapture() {
  if (stream_ == nullptr) return;
  current = nullptr;
  // Since 24.11 the end of EAL resets the stream, whichever it is.
  if (std::FILE* const now = rte_log_get_stream(); now == stream_ || now == stderr)
    rte_openlog_stream(before_);
  std::fclose(stream_);
}

bool LogCapture::is_ours(const std::FILE* stream) noexcept { return stream == current; }

void LogCapture::append(std::string_view data) {
  const std::lock_guard lock(mutex_);
  if (rte_log_cur_msg_loglevel() <= static_cast<int>(RTE_LOG_CRIT) && ends_the_process(data))
    ending_ = std::this_thread::get_id();
  if (ending_ == std::this_thread::get_id()) say_at_once(data);
  if (before_ != nullptr) {
    std::fwrite(data.data(), 1, data.size(), before_);
    std::fflush(before_);
  }
  text_.append(data.substr(0, kMax - std::min(kMax, text_.size())));
}

std::string LogCapture::text() const {
  if (stream_ != nullptr) std::fflush(stream_);
  const std::lock_guard lock(mutex_);
  return text_;
}

}  // namespace bab
