// rte_pcapng's functions are not in the stable ABI yet.
#define ALLOW_EXPERIMENTAL_API
#include "file.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <utility>

#include <fmt/format.h>
#include <rte_errno.h>

#include <bab/base/error.hpp>

namespace bab::detail {
namespace {

constexpr const char* kChoose = "choose a file that can be written";

std::uint64_t wall_ns() noexcept {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count());
}

/// A limit to files' sizes is an error of write() like a full disk, and not this process's end: no SIGXFSZ on this thread
/// as long as this lives.
class NoSizeSignal {
 public:
  NoSizeSignal() noexcept {
    sigset_t pending;
    sigemptyset(&pending);
    sigemptyset(&limit_);
    sigaddset(&limit_, SIGXFSZ);
    (void)sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGXFSZ) == 1;
    (void)pthread_sigmask(SIG_BLOCK, &limit_, &before_);
  }
  NoSizeSignal(const NoSizeSignal&) = delete;
  NoSizeSignal& operator=(const NoSizeSignal&) = delete;
  ~NoSizeSignal() {
    const int why = errno;  // of what was tried meanwhile
    const timespec at_once{};
    if (!was_pending_)
      while (sigtimedwait(&limit_, nullptr, &at_once) < 0 && errno == EINTR) {
      }
    (void)pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = why;
  }

 private:
  sigset_t limit_, before_;
  bool was_pending_;
};

int errno_or(int otherwise) noexcept { return errno != 0 ? errno : otherwise; }

}  // namespace

void CaptureFile::Closer::operator()(rte_pcapng_t* p) const noexcept { rte_pcapng_close(p); }

void CaptureFile::fail(int code, const std::string& mend) const {
  throw Error::from_code(fmt::format("capturing to {}", path_), code, mend);
}

CaptureFile::CaptureFile(std::string path) : path_(std::move(path)) {
  // Not to wait for the reader of a pipe.
  constexpr int kFlags = O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  constexpr mode_t kMode = 0644;
  fd_ = open(path_.c_str(), kFlags | O_CREAT | O_EXCL, kMode);
  made_ = fd_ >= 0;
  if (!made_ && errno == EEXIST) fd_ = open(path_.c_str(), kFlags | O_CREAT, kMode);
  if (fd_ < 0) {
    // What open() says of a pipe that nobody reads.
    if (errno == ENXIO) fail(ESPIPE, "a capture takes a file, no pipe");
    fail(errno, kChoose);
  }
  struct stat what {};
  const bool known = fstat(fd_, &what) == 0;
  regular_ = known && S_ISREG(what.st_mode);
  // A pipe or a terminal would make the writing thread wait for its reader, for ever if it likes.
  if (!known || S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode) || isatty(fd_) != 0) {
    close(std::exchange(fd_, -1));
    fail(ESPIPE, "a capture takes a file, no pipe and no terminal");
  }
  if (regular_ && flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(std::exchange(fd_, -1));
    fail(EBUSY, "another capture writes it: choose another file");
  }
}

CaptureFile::~CaptureFile() {
  if (pcapng_) return;  // which closes the file
  if (made_) (void)unlink(path_.c_str());
  if (fd_ >= 0) close(fd_);
}

void CaptureFile::begin() {
  if (regular_ && ftruncate(fd_, 0) != 0) fail(errno, kChoose);
  start_ns_ = wall_ns();
  errno = rte_errno = 0;
  {
    const NoSizeSignal none;
    pcapng_.reset(rte_pcapng_fdopen(fd_, nullptr, nullptr, "bab", nullptr));
  }
  if (!pcapng_) fail(rte_errno != 0 ? rte_errno : errno_or(ENOSPC), kChoose);
  if (regular_) good_ = lseek(fd_, 0, SEEK_CUR);
}

/// Of part of a block nothing is left: others can follow, the counts at least.
int CaptureFile::finish(ssize_t wrote, ssize_t whole) noexcept {
  if (wrote == whole) {
    good_ += whole;
    return 0;
  }
  const int why = errno_or(ENOSPC);  // a write that stops short has no errno
  if (regular_ && (ftruncate(fd_, good_) != 0 || lseek(fd_, good_, SEEK_SET) != good_))
    return errno_or(EIO);
  return why;
}

int CaptureFile::write(std::span<rte_mbuf*> blocks) noexcept {
  ssize_t whole = 0;
  for (const rte_mbuf* m : blocks) whole += m->pkt_len;
  errno = 0;
  return finish(rte_pcapng_write_packets(pcapng_.get(), blocks.data(),
                                         static_cast<std::uint16_t>(blocks.size())),
                whole);
}

int CaptureFile::write_counts(std::uint16_t port, std::uint64_t wanted,
                              std::uint64_t dropped) noexcept {
  // An Interface Statistics Block with four options of 8 bytes, their end, and its length at both ends.
  constexpr ssize_t kWhole = 20 + 4 * (4 + 8) + 4 + 4;
  errno = 0;
  return finish(
      rte_pcapng_write_stats(pcapng_.get(), port, nullptr, start_ns_, wall_ns(), wanted, dropped),
      kWhole);
}

}  // namespace bab::detail
