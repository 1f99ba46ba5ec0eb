// rte_pcapng's functions are not in the stable ABI yet.
#define ALLOW_EXPERIMENTAL_API
#include <bab/port/capture.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_pcapng.h>
#include <rte_version.h>

#include <bab/base/error.hpp>
#include <bab/base/spsc_ring.hpp>
#include <bab/wire/endian.hpp>
#include <bab/wire/ethernet.hpp>
#include <bab/wire/ipv4_udp.hpp>

namespace bab {
namespace {

/// Whether the frame is an IPv4 UDP datagram from or to `port`; fragments behind the first have no ports.
bool is_of_udp_port(const rte_mbuf* m, std::uint16_t port) noexcept {
  using namespace wire;
  const auto* at = rte_pktmbuf_mtod(m, const std::uint8_t*);
  std::size_t left = m->data_len;  // headers that a driver spread over segments aren't looked for
  if (left < kEthernetBytes) return false;
  std::size_t ip = kEthernetBytes;
  auto type = load_be<std::uint16_t>(at + 12);
  if (type == kEtherTypeVlan && left >= ip + kVlanBytes) {
    type = load_be<std::uint16_t>(at + ip + 2);
    ip += kVlanBytes;
  }
  if (type != kEtherTypeIpv4 || left < ip + kIpv4Bytes) return false;
  const std::size_t udp = ip + (at[ip + Ipv4Offset::kVersionIhl] & 0xfU) * 4U;
  constexpr unsigned kOffset = 0x1fff;  // RFC 791: the lower 13 bits
  if (at[ip + Ipv4Offset::kProtocol] != kProtocolUdp || left < udp + kUdpBytes ||
      (load_be<std::uint16_t>(at + ip + Ipv4Offset::kFragment) & kOffset) != 0)
    return false;
  return load_be<std::uint16_t>(at + udp) == port ||
         load_be<std::uint16_t>(at + udp + UdpOffset::kDestination) == port;
}

std::string unique_pool_name() {
  static std::atomic<unsigned> next{0};
  return fmt::format("bab_capture_{}", next.fetch_add(1));
}

constexpr unsigned kWriteBurst = 32;

std::uint64_t wall_ns() noexcept {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count());
}

/// Turns the TSC into nanoseconds since 1970.
struct WallClock {
  std::uint64_t tsc = rte_get_tsc_cycles(), ns = wall_ns(), hz = rte_get_tsc_hz();

  [[nodiscard]] std::uint64_t at(std::uint64_t now) const noexcept {
    constexpr unsigned kNsPerS = 1'000'000'000;
    __extension__ using Wide = unsigned __int128;
    // An lcore's TSC may be a little behind that of who took the time.
    const std::uint64_t since = now > tsc ? now - tsc : 0;
    return ns + static_cast<std::uint64_t>(Wide{since} * kNsPerS / hz);
  }
};

/// Until DPDK 23.03 rte_pcapng_copy() turns the TSC into a time with state that all lcores share unlocked, and goes
/// wrong by centuries where one is a little behind another: so the packet block's time is written here.
void set_time([[maybe_unused]] rte_mbuf* copy, [[maybe_unused]] std::uint64_t ns) noexcept {
#if RTE_VERSION < RTE_VERSION_NUM(23, 3, 0, 0)
  // An Enhanced Packet Block: type, length, interface, time (upper, then lower half), …
  struct Head {
    std::uint32_t type, length, interface, upper, lower;
  };
  auto* head = rte_pktmbuf_mtod(copy, Head*);
  head->upper = static_cast<std::uint32_t>(ns >> 32);
  head->lower = static_cast<std::uint32_t>(ns);
#endif
}

}  // namespace

/// What one queue's lcore copies into.
class Capture::Queue final : public Tap::Sink {
 public:
  Queue(Tap& tap, std::uint16_t port, std::uint16_t queue, TapDirection direction,
        const CaptureOptions& options, rte_mempool* pool, const WallClock& clock)
      : tap_(tap),
        port_(port),
        queue_(queue),
        direction_(direction),
        udp_port_(options.udp_port),
        one_in_(options.one_in),
        pool_(pool),
        clock_(clock),
        ring_(options.buffers) {}

  void copy(std::span<rte_mbuf* const> frames, Tap::Copies& copies) noexcept override {
    const std::uint64_t now = rte_get_tsc_cycles();
    const std::uint64_t ns = clock_.at(now);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      copies[i] = nullptr;
      before_[i] = passed_by_;
      chosen_[i] = udp_port_ == 0 || is_of_udp_port(frames[i], udp_port_);
      if (!chosen_[i]) continue;
      chosen_[i] = ++passed_by_ % one_in_ == 0;
      if (!chosen_[i]) continue;
      copies[i] = rte_pcapng_copy(
          port_, queue_, frames[i], pool_, UINT32_MAX, now,
          direction_ == TapDirection::kRx ? RTE_PCAPNG_DIRECTION_IN : RTE_PCAPNG_DIRECTION_OUT);
      if (copies[i] != nullptr) set_time(copies[i], ns);
    }
  }

  void pass(std::span<rte_mbuf* const> copies, unsigned passed) noexcept override {
    std::array<rte_mbuf*, Tap::kMost> good;
    unsigned n = 0, wanted = 0;
    if (passed < copies.size()) passed_by_ = before_[passed];  // they are offered again
    for (unsigned i = 0; i < copies.size(); ++i) {
      if (i >= passed) {
        rte_pktmbuf_free(copies[i]);
        continue;
      }
      wanted += chosen_[i] ? 1 : 0;
      if (copies[i] != nullptr) good[n++] = copies[i];
    }
    const unsigned taken = ring_.push(std::span(good.data(), n));
    for (unsigned i = taken; i < n; ++i) rte_pktmbuf_free(good[i]);
    add(wanted_, wanted);
    add(missed_, wanted - taken);
  }

  Tap& tap_;
  const std::uint16_t port_;
  std::atomic<std::uint64_t> wanted_{0}, missed_{0};
  std::uint64_t failed = 0;  // the writing thread's

  unsigned pop(std::span<rte_mbuf*> out) noexcept { return ring_.pop(out); }

 private:
  /// One writer, any reader: no read-modify-write.
  static void add(std::atomic<std::uint64_t>& sum, std::uint64_t n) noexcept {
    sum.store(sum.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  const std::uint16_t queue_;
  const TapDirection direction_;
  const std::uint16_t udp_port_;
  const std::uint32_t one_in_;
  rte_mempool* const pool_;
  const WallClock clock_;
  SpscRing<rte_mbuf> ring_;
  std::array<bool, Tap::kMost> chosen_;
  std::array<std::uint64_t, Tap::kMost> before_;
  std::uint64_t passed_by_ = 0;
};

/// The pcapng file and the pool of copies.
class Capture::File {
 public:
  File(const CaptureOptions& options, std::uint32_t frame_bytes)
      : start_ns_(wall_ns()), path_(options.path) {
    // A pipe would make the writing thread wait for its reader, for ever if it likes.
    fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0644);
    if (fd_ < 0) fail(errno, "choose a file that can be written");
    struct stat what {};
    if (fstat(fd_, &what) != 0 || S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode)) {
      close(fd_);
      fail(ESPIPE, "a capture takes a file, no pipe");
    }
    errno = rte_errno = 0;
    pcapng_.reset(rte_pcapng_fdopen(fd_, nullptr, nullptr, "bab", nullptr));
    if (!pcapng_) {
      const int e = rte_errno != 0 ? rte_errno : errno_or(ENOSPC);
      close(fd_);
      fail(e, "choose a file that can be written");
    }
    // rte_pcapng_close() closes the file as well.
    constexpr unsigned kCache = 32;
    pool_.reset(rte_pktmbuf_pool_create(unique_pool_name().c_str(), options.buffers,
                                        std::min(kCache, options.buffers / 4), 0,
                                        static_cast<std::uint16_t>(std::min<std::uint32_t>(
                                            rte_pcapng_mbuf_size(frame_bytes), UINT16_MAX)),
                                        SOCKET_ID_ANY));
    if (!pool_) fail(rte_errno, "there is no memory for its copies; give EAL more with -m");
  }

  [[nodiscard]] rte_mempool* pool() const noexcept { return pool_.get(); }

  /// 0, or why not.
  int write(std::span<rte_mbuf*> frames) noexcept {
    const auto n = static_cast<std::uint16_t>(frames.size());
    ssize_t whole = 0;
    for (const rte_mbuf* m : frames) whole += m->pkt_len;
    errno = 0;
    const ssize_t wrote = rte_pcapng_write_packets(pcapng_.get(), frames.data(), n);
    return wrote == whole ? 0 : errno_or(ENOSPC);  // a write that stops short has no errno
  }
  int write_counts(std::uint16_t port, std::uint64_t came, std::uint64_t dropped) noexcept {
    return rte_pcapng_write_stats(pcapng_.get(), port, nullptr, start_ns_, wall_ns(), came,
                                  dropped) < 0
               ? errno_or(EIO)
               : 0;
  }

  [[noreturn]] void fail(int code, const std::string& mend) const {
    throw Error::from_code(fmt::format("capturing to {}", path_), code, mend);
  }

 private:
  struct Closer {
    void operator()(rte_pcapng_t* p) const noexcept { rte_pcapng_close(p); }
    void operator()(rte_mempool* p) const noexcept { rte_mempool_free(p); }
  };
  static int errno_or(int otherwise) noexcept { return errno != 0 ? errno : otherwise; }

  std::uint64_t start_ns_;
  std::string path_;
  int fd_ = -1;
  std::unique_ptr<rte_mempool, Closer> pool_;
  std::unique_ptr<rte_pcapng_t, Closer> pcapng_;
};

Capture::Capture(std::span<Port* const> ports, const CaptureOptions& options)
    : path_(options.path) {
  if (options.one_in == 0) throw Error("a capture takes 1 in 1 frames or fewer, not 1 in 0");
  if (options.buffers < 64)
    throw Error("a capture needs 64 buffers or more, to take a burst at a time");
  std::uint32_t largest = 0;
  std::vector<Port*> chosen;
  for (Port* port : ports) {
    if (options.port && *options.port != port->id()) continue;
    chosen.push_back(port);
    largest = std::max(largest, Port::data_room(port->mtu()));
  }
  if (chosen.empty())
    throw Error(options.port ? fmt::format("there is no port {} to capture on", *options.port)
                             : "there is no port to capture on");
  file_ = std::make_unique<File>(options, largest);
  const WallClock clock;
  try {
    const auto put = [&](Tap& tap, std::uint16_t port, unsigned queue, TapDirection direction) {
      auto q = std::make_unique<Queue>(tap, port, static_cast<std::uint16_t>(queue), direction,
                                       options, file_->pool(), clock);
      if (!tap.put_on(q.get()))
        throw Error(fmt::format("port {} is captured already; stop that capture first", port));
      queues_.push_back(std::move(q));
    };
    for (Port* port : chosen) {
      if (options.direction != CaptureDirection::kTx)
        for (unsigned i = 0; i < port->rx_queues(); ++i)
          put(port->rx(i).tap(), port->id(), i, TapDirection::kRx);
      if (options.direction != CaptureDirection::kRx)
        for (unsigned i = 0; i < port->tx_queues(); ++i)
          put(port->tx(i).tap(), port->id(), i, TapDirection::kTx);
    }
    thread_ = std::thread([this] { write_all(); });
    (void)pthread_setname_np(thread_.native_handle(), "bab-capture");
  } catch (...) {
    take_off();
    throw;
  }
}

Capture::~Capture() {
  try {
    stop();
  } catch (const Error&) {
    // What is lost is in stats(), for whoever wants to know.
  }
}

void Capture::take_off() noexcept {
  for (const auto& q : queues_) q->tap_.take_off();
}

void Capture::stop() {
  if (!thread_.joinable()) return;
  take_off();
  stopping_.store(true, std::memory_order_release);
  thread_.join();
  file_.reset();
  if (const int e = error(); e != 0)
    throw Error::from_code(
        fmt::format("capturing to {}: {} frames were not written", path_, stats().failed), e,
        "choose a file where there is room");
}

CaptureStats Capture::stats() const noexcept {
  CaptureStats s;
  for (const auto& q : queues_) {
    s.wanted += q->wanted_.load(std::memory_order_relaxed);
    s.missed += q->missed_.load(std::memory_order_relaxed);
  }
  s.written = written_.load(std::memory_order_relaxed);
  s.failed = failed_.load(std::memory_order_relaxed);
  return s;
}

/// One burst of every queue; false when there was none.
bool Capture::write_some() noexcept {
  bool any = false;
  std::array<rte_mbuf*, kWriteBurst> burst;
  for (const auto& q : queues_) {
    const unsigned n = q->pop(burst);
    if (n == 0) continue;
    any = true;
    // After a write that failed the file's end may be half a packet: nothing can follow.
    if (error() == 0) error_.store(file_->write(std::span(burst.data(), n)));
    auto& sum = error() == 0 ? written_ : failed_;
    if (error() != 0) q->failed += n;
    sum.fetch_add(n, std::memory_order_relaxed);
    rte_pktmbuf_free_bulk(burst.data(), n);
  }
  return any;
}

/// The writing thread.
void Capture::write_all() noexcept {
  constexpr std::chrono::milliseconds kNap{1};
  while (true) {
    // Looked at before the rings: what was in them by then is written.
    const bool last = stopping_.load(std::memory_order_acquire);
    if (write_some()) continue;
    if (last) break;
    std::this_thread::sleep_for(kNap);
  }
  std::vector<std::uint16_t> ports;
  for (const auto& q : queues_)
    if (std::find(ports.begin(), ports.end(), q->port_) == ports.end()) ports.push_back(q->port_);
  for (const std::uint16_t port : ports) {
    std::uint64_t came = 0, dropped = 0;
    for (const auto& q : queues_)
      if (q->port_ == port) {
        came += q->wanted_.load(std::memory_order_relaxed);
        dropped += q->missed_.load(std::memory_order_relaxed) + q->failed;
      }
    if (error() == 0) error_.store(file_->write_counts(port, came, dropped));
  }
}

}  // namespace bab
