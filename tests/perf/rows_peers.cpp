#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <rte_pause.h>

#include "loop_engine.hpp"
#include "payload.hpp"

/// What a user might use in place of bab. Each peer is in its best form that is still plain use. A
/// sender and a receiver, one per lcore, make and check the same payloads as testbab's loop engine.
namespace bench {
namespace {

/// Calls send(stop) on the other lcore again and again, and receive() on this one. receive() gives
/// the number of messages that came.
template <class Send, class Receive>
Slice stream(double seconds, std::uint64_t& received, const Send& send, const Receive& receive) {
  Stretch stretch(seconds);
  Slice slice;
  slice.interruptions = on_two_lcores(
      [&] {
        while (stretch.goes_on(received)) received += receive();
      },
      [&](const std::atomic<bool>& stop) {
        while (!stop.load(std::memory_order_relaxed)) send();
      });
  slice.ns = stretch.ns();
  return slice;
}

/// ZeroMQ, PUSH to PULL over inproc. No kernel is involved, and the only copy is into ZeroMQ's own
/// message. Neither side sleeps.
class Zmq {
 public:
  explicit Zmq(std::uint32_t len) : len_(len), buffer_(len) {
    constexpr int kMark = 10'000;  // most messages under way; ZeroMQ's default is 1,000
    for (void* socket : {push_.get(), pull_.get()}) {
      zmq_setsockopt(socket, ZMQ_SNDHWM, &kMark, sizeof kMark);
      zmq_setsockopt(socket, ZMQ_RCVHWM, &kMark, sizeof kMark);
    }
    if (zmq_bind(pull_.get(), "inproc://peer") != 0 ||
        zmq_connect(push_.get(), "inproc://peer") != 0)
      throw std::runtime_error("ZeroMQ's inproc sockets could not be connected");
  }

  Slice measure(double seconds) {
    return stream(
        seconds, received_, [this] { send(); }, [this] { return receive(); });
  }

 private:
  static constexpr unsigned kTurn = 64;
  struct Close {
    void operator()(void* socket) const noexcept {
      constexpr int kNow = 0;
      zmq_setsockopt(socket, ZMQ_LINGER, &kNow, sizeof kNow);
      zmq_close(socket);
    }
  };
  struct Terminate {
    void operator()(void* context) const noexcept { zmq_ctx_term(context); }
  };

  /// A pause before the next try: asking an empty or full queue again at once would slow the other
  /// side down.
  static void rest() noexcept {
    for (unsigned i = 0; i < 32; ++i) rte_pause();
  }

  void send() {
    for (unsigned i = 0; i < kTurn; ++i) {
      payload_.fill(buffer_.data(), len_, next_);
      if (zmq_send(push_.get(), buffer_.data(), len_, ZMQ_DONTWAIT) < 0) return rest();
      ++next_;
    }
  }

  std::uint64_t receive() {
    for (unsigned i = 0; i < kTurn; ++i) {
      zmq_msg_t message;
      zmq_msg_init(&message);
      if (zmq_msg_recv(&message, pull_.get(), ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&message);
        rest();
        return i;
      }
      const bool good = payload_.matches(
          {static_cast<const std::uint8_t*>(zmq_msg_data(&message)), zmq_msg_size(&message)},
          expected_);
      zmq_msg_close(&message);
      if (!good) throw std::runtime_error("a message came wrong through ZeroMQ");
      ++expected_;
    }
    return kTurn;
  }

  std::uint32_t len_;
  testbab::Payload payload_;
  std::unique_ptr<void, Terminate> context_{zmq_ctx_new()};
  std::unique_ptr<void, Close> pull_{zmq_socket(context_.get(), ZMQ_PULL)};
  std::unique_ptr<void, Close> push_{zmq_socket(context_.get(), ZMQ_PUSH)};
  std::vector<std::uint8_t> buffer_;
  alignas(64) std::uint64_t next_ = 1;
  alignas(64) std::uint64_t expected_ = 1;
  std::uint64_t received_ = 0;
};

/// Kernel UDP over the loopback interface. Datagrams of up to 8,900 bytes are full of messages with
/// 2-byte lengths. Each side moves 32 datagrams per system call. Datagrams that find no room in the
/// receiver's buffer are lost and not counted.
class KernelUdp {
 public:
  explicit KernelUdp(std::uint32_t len) : len_(len), per_datagram_((kBytes - kHeader) / (len + 2)) {
    constexpr int kBuffer = 8 << 20;
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    in_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    out_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (setsockopt(in_, SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer) != 0)
      setsockopt(in_, SOL_SOCKET, SO_RCVBUF, &kBuffer, sizeof kBuffer);
    auto* address = reinterpret_cast<sockaddr*>(&at);
    if (bind(in_, address, sizeof at) != 0 || getsockname(in_, address, &size) != 0 ||
        connect(out_, address, size) != 0)
      throw std::runtime_error("the kernel's UDP sockets could not be connected");
    for (Side* side : {&sending_, &receiving_})
      for (unsigned i = 0; i < kBurst; ++i) {
        side->vector[i] = {side->bytes[i].data(), kBytes};
        side->messages[i].msg_hdr = {};
        side->messages[i].msg_hdr.msg_iov = &side->vector[i];
        side->messages[i].msg_hdr.msg_iovlen = 1;
      }
  }
  ~KernelUdp() {
    close(in_);
    close(out_);
  }

  Slice measure(double seconds) {
    return stream(
        seconds, received_, [this] { send(); }, [this] { return receive(); });
  }

 private:
  static constexpr std::uint32_t kBytes = 8900, kHeader = 8;
  static constexpr unsigned kBurst = 32;
  struct Side {
    std::array<std::array<std::uint8_t, kBytes>, kBurst> bytes;
    std::array<iovec, kBurst> vector;
    std::array<mmsghdr, kBurst> messages;
  };

  void send() {
    for (unsigned i = 0; i < kBurst; ++i) {
      std::uint8_t* at = sending_.bytes[i].data();
      std::memcpy(at, &next_, sizeof next_);
      at += kHeader;
      for (std::uint32_t m = 0; m < per_datagram_; ++m, ++next_) {
        bab::wire::store_be(at, static_cast<std::uint16_t>(len_));
        payload_.fill(at + 2, len_, next_);
        at += 2 + len_;
      }
      sending_.vector[i].iov_len = static_cast<std::size_t>(at - sending_.bytes[i].data());
    }
    (void)sendmmsg(out_, sending_.messages.data(), kBurst, 0);
  }

  std::uint64_t receive() {
    const int n = recvmmsg(in_, receiving_.messages.data(), kBurst, MSG_DONTWAIT, nullptr);
    std::uint64_t came = 0;
    for (int i = 0; i < n; ++i) {
      const auto index = static_cast<std::size_t>(i);
      const std::uint8_t* at = receiving_.bytes[index].data();
      const std::uint8_t* const end = at + receiving_.messages[index].msg_len;
      std::uint64_t sequence;
      std::memcpy(&sequence, at, sizeof sequence);
      for (at += kHeader; at < end; ++sequence, ++came) {
        const std::size_t len = bab::wire::load_be<std::uint16_t>(at);
        if (!payload_.matches({at + 2, len}, sequence))
          throw std::runtime_error("a message came wrong through the kernel's UDP");
        at += 2 + len;
      }
    }
    return came;
  }

  std::uint32_t len_;
  std::uint32_t per_datagram_;
  testbab::Payload payload_;
  int in_, out_;
  Side sending_, receiving_;
  alignas(64) std::uint64_t next_ = 1;
  alignas(64) std::uint64_t received_ = 0;
};

/// A ring of bytes in memory that both sides see, with one writer and one reader. Each message
/// follows its length. Positions are published in steps of 32 messages. There are no frames, no
/// addresses, no second receiver: this is the limit of shared memory.
class ByteRing {
 public:
  explicit ByteRing(std::uint32_t len) : len_(len), ring_(kBytes + 65536) {}

  Slice measure(double seconds) {
    return stream(
        seconds, received_, [this] { send(); }, [this] { return receive(); });
  }

 private:
  static constexpr std::uint64_t kBytes = 256 * 1024;  // fits into the L2 cache
  static constexpr unsigned kBatch = 32;

  [[nodiscard]] std::uint64_t block() const noexcept { return (2 + len_ + 7) / 8 * 8; }

  void send() {
    const std::uint64_t need = kBatch * block();
    if (head_ + need - read_seen_ > kBytes) {
      read_seen_ = tail_.load(std::memory_order_acquire);
      if (head_ + need - read_seen_ > kBytes) return;
    }
    for (unsigned i = 0; i < kBatch; ++i, ++next_, head_ += block()) {
      // a block may end past kBytes, where there is extra room
      std::uint8_t* at = ring_.data() + head_ % kBytes;
      bab::wire::store_be(at, static_cast<std::uint16_t>(len_));
      payload_.fill(at + 2, len_, next_);
    }
    published_.store(head_, std::memory_order_release);
  }

  std::uint64_t receive() {
    const std::uint64_t end = published_.load(std::memory_order_acquire);
    std::uint64_t came = 0;
    for (; at_ < end; at_ += block(), ++came, ++expected_) {
      const std::uint8_t* from = ring_.data() + at_ % kBytes;
      const std::size_t len = bab::wire::load_be<std::uint16_t>(from);
      if (!payload_.matches({from + 2, len}, expected_))
        throw std::runtime_error("a message came wrong through the byte ring");
    }
    tail_.store(at_, std::memory_order_release);
    return came;
  }

  std::uint32_t len_;
  testbab::Payload payload_;
  std::vector<std::uint8_t> ring_;
  alignas(64) std::atomic<std::uint64_t> published_{0};
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::uint64_t head_ = 0;
  std::uint64_t read_seen_ = 0, next_ = 1;
  alignas(64) std::uint64_t at_ = 0;
  std::uint64_t expected_ = 1, received_ = 0;
};

/// The loop engine, compared with a peer.
template <class Peer>
class PeerRow final : public Row {
 public:
  explicit PeerRow(std::uint32_t len) : engine_(len), peer_(std::make_unique<Peer>(len)) {}
  Slice subject(double seconds) override {
    const Slice slice = engine_.measure(seconds);
    engine_.check();
    return slice;
  }
  Slice floor(double seconds) override { return peer_->measure(seconds); }

 private:
  LoopEngine engine_;
  std::unique_ptr<Peer> peer_;
};

template <class Peer>
RowSpec peer_row(const char* name, std::uint32_t len, const char* peer, double goal) {
  return {fmt::format("{}_{}", name, len),
          peer,
          "ns/message",
          len <= 256 ? goal : 0,
          Lcores::kTwo,
          [len] { return std::make_unique<PeerRow<Peer>>(len); }};
}

}  // namespace

RowSpecs peer_rows() {
  RowSpecs rows;
  for (const std::uint32_t len : {32U, 64U, 256U, 1024U}) {
    rows.push_back(
        peer_row<Zmq>("beside_zmq_inproc", len, "ZeroMQ inproc PUSH/PULL; no checksum", 0.1));
    rows.push_back(peer_row<KernelUdp>(
        "beside_kernel_udp", len, "kernel UDP over lo, 8,900-byte datagrams; no checksum", 0.4));
    rows.push_back(
        peer_row<ByteRing>("beside_byte_ring", len, "an SPSC byte ring; no checksum", 0));
  }
  return rows;
}

}  // namespace bench
