#include <bab/detail/log_capture.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <rte_log.h>

#include <bab/base/error.hpp>

namespace bab {

LogCapture::LogCapture() {
  cookie_io_functions_t io{};
  io.write = [](void* self, const char* data, std::size_t n) -> ssize_t {
    static_cast<LogCapture*>(self)->append(data, n);
    return static_cast<ssize_t>(n);
  };
  stream_ = fopencookie(this, "w", io);
  if (stream_ == nullptr) throw Error::from_code("opening a stream for DPDK's log", errno);
  setvbuf(stream_, nullptr, _IOLBF, 0);
  rte_openlog_stream(stream_);
}

LogCapture::~LogCapture() {
  rte_openlog_stream(nullptr);
  std::fclose(stream_);
}

void LogCapture::append(const char* data, std::size_t n) {
  std::lock_guard lock(mutex_);
  if (redirected_ >= 0 && write(redirected_, data, n) == static_cast<ssize_t>(n)) return;
  text_.append(data, std::min(n, kMost - std::min(kMost, text_.size())));
}

std::string LogCapture::text() const {
  std::fflush(stream_);
  std::lock_guard lock(mutex_);
  return text_;
}

LogCapture::Redirect::Redirect(LogCapture& log)
    : log_(log), file_(memfd_create("bab-log", MFD_CLOEXEC)) {
  if (file_ < 0) throw Error::from_code("making a file in memory for DPDK's log", errno);
  std::fflush(stdout);
  std::fflush(stderr);
  saved_out_ = dup(STDOUT_FILENO);
  saved_err_ = dup(STDERR_FILENO);
  dup2(file_, STDOUT_FILENO);
  dup2(file_, STDERR_FILENO);
  std::lock_guard lock(log_.mutex_);
  log_.redirected_ = file_;
}

LogCapture::Redirect::~Redirect() {
  std::fflush(stdout);
  std::fflush(stderr);
  std::fflush(log_.stream_);
  {
    std::lock_guard lock(log_.mutex_);
    log_.redirected_ = -1;
  }
  // A stream that was closed before stays closed.
  const auto restore = [](int saved, int fd) {
    if (saved < 0) {
      close(fd);
    } else {
      dup2(saved, fd);
      close(saved);
    }
  };
  restore(saved_out_, STDOUT_FILENO);
  restore(saved_err_, STDERR_FILENO);
  lseek(file_, 0, SEEK_SET);
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t n = read(file_, buffer.data(), buffer.size());
    if (n <= 0) break;
    log_.append(buffer.data(), static_cast<std::size_t>(n));
  }
  close(file_);
}

}  // namespace bab
