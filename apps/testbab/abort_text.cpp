#include "abort_text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace testbab {
namespace {

int real_stderr = -1;

void write_all(const char* data, std::size_t n) {
  while (n > 0) {
    const ssize_t written = write(real_stderr, data, n);
    if (written <= 0) return;
    data += written;
    n -= static_cast<std::size_t>(written);
  }
}

/// Calls only what a signal handler may. abort() ends the process after it.
void show(int /*signal*/) {
  struct stat now {
  }, real{};
  if (fstat(STDERR_FILENO, &now) != 0 || fstat(real_stderr, &real) != 0) return;
  if (now.st_dev == real.st_dev && now.st_ino == real.st_ino)
    return;  // it was said where one sees it
  constexpr std::string_view kHead = "testbab: EAL ended the program while it started, and said:\n";
  write_all(kHead.data(), kHead.size());
  std::array<char, 4096> part;
  off_t at = 0;
  for (ssize_t n; (n = pread(STDERR_FILENO, part.data(), part.size(), at)) > 0; at += n)
    write_all(part.data(), static_cast<std::size_t>(n));
}

}  // namespace

ShownOnAbort::ShownOnAbort() {
  real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  struct sigaction action {};
  action.sa_handler = show;
  sigaction(SIGABRT, &action, &before_);
}

ShownOnAbort::~ShownOnAbort() {
  sigaction(SIGABRT, &before_, nullptr);
  close(real_stderr);
}

}  // namespace testbab
