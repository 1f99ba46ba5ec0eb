// rte_pcapng's functions are not in the stable ABI yet.
#define ALLOW_EXPERIMENTAL_API
#include "file.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <ctime>
#include <utility>

#include <fmt/format.h>
#include <rte_errno.h>

#include <bab/base/error.hpp>

#include "../detail/dpdk/pcapng.hpp"
#include "block.hpp"

namespace bab::detail {
namespace {

constexpr const char* kChoose = "choose a file that can be written";

std::uint64_t wall_ns() noexcept {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count());
}

/// Blocks SIGXFSZ on this thread as long as it lives: when a file reaches the size limit, write()
/// fails as on a full disk, and the process goes on.
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
    const int why = errno;  // of the calls in between
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
  // O_NONBLOCK: open() must not wait for the reader of a pipe.
  constexpr int kFlags = O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  constexpr mode_t kMode = 0644;
  fd_ = open(path_.c_str(), kFlags | O_CREAT | O_EXCL, kMode);
  made_ = fd_ >= 0;
  if (!made_ && errno == EEXIST) fd_ = open(path_.c_str(), kFlags | O_CREAT, kMode);
  if (fd_ < 0) {
    // open() fails like this on a pipe that nobody reads.
    if (errno == ENXIO) fail(ESPIPE, "a capture writes to a file, not to a pipe");
    fail(errno, kChoose);
  }
  struct stat what {};
  const bool known = fstat(fd_, &what) == 0;
  regular_ = known && S_ISREG(what.st_mode);
  // With a pipe or a terminal, the writing thread would wait for the reader, perhaps for ever.
  if (!known || S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode) || isatty(fd_) != 0) {
    close(std::exchange(fd_, -1));
    fail(ESPIPE, "a capture writes to a file, not to a pipe or a terminal");
  }
  if (regular_ && flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(std::exchange(fd_, -1));
    fail(EBUSY, "another capture writes to it; choose another file");
  }
}

CaptureFile::~CaptureFile() {
  if (pcapng_) return;  // its deleter closes the file
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
  if (!pcapng_) fail(rte_errno != 0 ? rte_errno : errno_or(EIO), kChoose);
  add_interfaces();
  if (regular_) good_ = lseek(fd_, 0, SEEK_CUR);
}

/// Adds an interface for every port: a block names its interface by the position in this order.
void CaptureFile::add_interfaces() {
  std::uint32_t next = 0;
  // The same order as RTE_ETH_FOREACH_DEV, by which rte_pcapng adds interfaces itself.
  for (std::uint64_t id = rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER);
       id < interfaces_.size();
       id = rte_eth_find_next_owned_by(static_cast<std::uint16_t>(id + 1), RTE_ETH_DEV_NO_OWNER)) {
    const auto port = static_cast<std::uint16_t>(id);
    interfaces_[port] = next++;
    int why;
    {
      const NoSizeSignal none;
      why = pcapng_add_interface(pcapng_.get(), port);
    }
    if (why == 0) continue;
    pcapng_.reset();  // closes the file, too
    fd_ = -1;
    fail(why,
         why == ENODEV ? fmt::format("port {} does not say what device it is", port) : kChoose);
  }
}

/// Writes whole blocks. Nothing of an incomplete block stays in the file: other blocks, at least
/// the counts, can follow.
int CaptureFile::write(std::span<const iovec> parts) noexcept {
  ssize_t whole = 0;
  for (const iovec& part : parts) whole += static_cast<ssize_t>(part.iov_len);
  errno = 0;
  const ssize_t wrote = writev(fd_, parts.data(), static_cast<int>(parts.size()));
  if (wrote == whole) {
    good_ += whole;
    return 0;
  }
  // A write that stops short sets no errno: there was room for a part only.
  const int why = wrote < 0 ? errno_or(EIO) : errno_or(ENOSPC);
  if (regular_ && (ftruncate(fd_, good_) != 0 || lseek(fd_, good_, SEEK_SET) != good_))
    return errno_or(EIO);
  return why;
}

/// Not with rte_pcapng_write_packets(): since DPDK 23.11 it takes the blocks' times for TSC cycles,
/// and converts them to nanoseconds with a rate of the TSC that is only estimated.
int CaptureFile::write(std::span<rte_mbuf*> blocks) noexcept {
  std::array<iovec, IOV_MAX> parts;
  std::size_t n = 0;
  for (rte_mbuf* block : blocks) {
    if (block->nb_segs > parts.size()) return EMSGSIZE;
    if (n + block->nb_segs > parts.size()) {  // one call writes whole blocks only
      if (const int e = write(std::span(parts).first(n)); e != 0) return e;
      n = 0;
    }
    rte_pktmbuf_mtod(block, PcapngPacket*)->interface = interfaces_[block->port];
    for (const rte_mbuf* m = block; m != nullptr; m = m->next)
      parts[n++] = {rte_pktmbuf_mtod(m, void*), m->data_len};
  }
  return write(std::span(parts).first(n));
}

int CaptureFile::write_counts(std::uint16_t port, std::uint64_t wanted,
                              std::uint64_t dropped) noexcept {
  PcapngCounts counts{.interface = interfaces_[port]};
  const std::uint64_t now = wall_ns();
  counts.time.set(now);
  counts.start.value.set(start_ns_);
  counts.end.value.set(now);
  counts.received.value.set(wanted);
  counts.dropped.value.set(dropped);
  const iovec block{&counts, sizeof counts};
  return write(std::span(&block, 1));
}

}  // namespace bab::detail
