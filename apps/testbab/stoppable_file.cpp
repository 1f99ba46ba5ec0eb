#include "stoppable_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

namespace testbab {
namespace {

struct Source {
  int fd;
  bool waits;  // reads may wait
  const StopSignals& signals;
  bool& stopped;
};

/// Nobody may have opened a pipe for writing yet. It then has nothing to read, and isn't at its
/// end.
ssize_t read_source(void* self, char* to, std::size_t most) {
  const auto& s = *static_cast<Source*>(self);
  while (true) {
    if (s.waits && s.signals.pending()) {
      s.stopped = true;
      errno = ECANCELED;
      return -1;
    }
    std::array<pollfd, 2> wait{{{s.fd, POLLIN, 0}, {s.signals.fd(), POLLIN, 0}}};
    if (poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) return -1;
    if (wait[0].revents == 0) continue;
    const ssize_t n = read(s.fd, to, most);
    if (n >= 0 || (errno != EAGAIN && errno != EINTR)) return n;
  }
}

int close_source(void* self) {
  const std::unique_ptr<Source> s(static_cast<Source*>(self));
  return close(s->fd);
}

}  // namespace

std::FILE* open_stoppable(const std::string& path, const StopSignals& signals, bool& stopped) {
  // So that it doesn't wait for the writer of a pipe.
  const int fd = path == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                             : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return nullptr;
  struct stat what {};
  const bool waits = fstat(fd, &what) != 0 || !S_ISREG(what.st_mode);
  auto source = std::make_unique<Source>(Source{fd, waits, signals, stopped});
  std::FILE* file =
      fopencookie(source.get(), "r",
                  {.read = read_source, .write = nullptr, .seek = nullptr, .close = close_source});
  if (file == nullptr) {
    close(fd);
    return nullptr;
  }
  (void)source.release();
  return file;
}

}  // namespace testbab
