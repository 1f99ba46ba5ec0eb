#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <rte_cycles.h>

#include <bab/base/spsc_ring.hpp>
#include <bab/message/framer.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/port.hpp>

#include "plain_frames.hpp"
#include "pools.hpp"
#include "two_lcores.hpp"

namespace bench {
namespace {

constexpr std::uint32_t kMessageBytes = 64;

/// One direction. One lcore has the writer, the flusher and TX, and the other has RX and the
/// framer. A ring port connects them.
class Way {
 public:
  Way() {
    flusher_.add(ring_);
    port_.start();
  }

  /// Sends one message in a frame of its own, at once.
  void send(std::span<const std::uint8_t> message) noexcept {
    if (auto room = writer_.reserve(static_cast<std::uint32_t>(message.size()))) {
      std::memcpy(room.data(), message.data(), message.size());
      room.commit();
    }
    writer_.flush();
    flusher_.poll();
  }

  /// The work of a loop's turn for a writer and a flusher. There is no deadline, and therefore no
  /// clock to read.
  void turn() noexcept {
    writer_.poll(0);
    flusher_.poll();
    bab::BufferPool::relieve();
  }

  /// True if a frame came. `take` is called with each message.
  template <class Take>
  bool receive(const Take& take) noexcept {
    std::array<rte_mbuf*, 32> burst;
    const unsigned n = port_.rx(0).receive(burst);
    for (unsigned i = 0; i < n; ++i) {
      bab::ReceivedFrame frame = framer_.accept(burst[i]);
      while (frame.left() > 0) take(frame.next_bytes());
    }
    return n > 0;
  }

 private:
  static constexpr std::uint32_t kMtu = 1500;

  bab::BufferPool pool_{pool_options(512, 2176)};
  bab::Loopback loopback_;
  bab::Port port_{{.id = loopback_.port_id(), .mtu = kMtu}, pool_};
  bab::wire::FrameHeader header_{{.udp_checksum = bab::wire::ChecksumBy::kNone}};
  bab::FrameRing ring_{512};
  bab::LocalWriter writer_{
      pool_, ring_, {bab::wire::FrameHeader::payload_capacity(kMtu), header_.size(), {}, 0}};
  bab::WriteFlusher<bab::TxQueue> flusher_{port_.tx(0), header_};
  bab::Framer framer_;
};

/// The same by hand, without a library: frames like bab's, over the same kind of port.
class WayByHand {
 public:
  WayByHand() { port_.start(); }

  void send(std::span<const std::uint8_t> message) noexcept {
    rte_mbuf* m = rte_pktmbuf_alloc(plain_.mempool());
    if (m == nullptr) return;
    frame_.write(m, ++sequence_, [&](std::uint8_t* at, std::uint32_t len, std::uint64_t) {
      std::memcpy(at, message.data(), len);
    });
    if (rte_eth_tx_burst(loopback_.port_id(), 0, &m, 1) != 1) rte_pktmbuf_free(m);
  }
  void turn() noexcept {}

  template <class Take>
  bool receive(const Take& take) noexcept {
    std::array<rte_mbuf*, 32> burst;
    const std::uint16_t n = rte_eth_rx_burst(loopback_.port_id(), 0, burst.data(), burst.size());
    for (std::uint16_t i = 0; i < n; ++i) {
      const auto* at = rte_pktmbuf_mtod_offset(burst[i], const std::uint8_t*, kHeaderBytes);
      take(std::span(at + 2, bab::wire::load_be<std::uint16_t>(at)));
    }
    if (n > 0) rte_pktmbuf_free_bulk(burst.data(), n);
    return n > 0;
  }

 private:
  PlainFrame frame_{kMessageBytes + 2, kMessageBytes};
  PlainPool plain_{512, 2176};
  bab::BufferPool pool_{pool_options(512, 2176)};
  bab::Loopback loopback_;
  bab::Port port_{{.id = loopback_.port_id(), .mtu = 1500}, pool_};
  std::uint64_t sequence_ = 0;
};

/// The minimum: a pointer in an rte_ring. Nothing that the pointer points to is read.
class WayOfPointers {
 public:
  void send(std::span<const std::uint8_t> message) noexcept {
    auto* pointer = const_cast<std::uint8_t*>(message.data());
    ring_.push({&pointer, 1});
  }
  void turn() noexcept {}

  template <class Take>
  bool receive(const Take& take) noexcept {
    std::array<std::uint8_t*, 32> burst;
    const unsigned n = ring_.pop(burst);
    for (unsigned i = 0; i < n; ++i) take(std::span(burst[i], kMessageBytes));
    return n > 0;
  }

 private:
  bab::SpscRing<std::uint8_t> ring_{bab::Loopback::kFrames};
};

/// A message of 64 bytes goes to the other lcore and comes back, one at a time. The result is the
/// median round trip.
template <class AnyWay>
class Trips {
 public:
  Trips() { trips_.reserve(1 << 20); }

  Slice measure(double seconds) {
    trips_.clear();
    Stretch stretch(seconds);
    Slice slice;
    slice.interruptions = on_two_lcores(
        [&] {
          const std::array<std::uint8_t, kMessageBytes> message{};
          while (stretch.goes_on(trips_.size()) && trips_.size() < trips_.capacity()) {
            const std::uint64_t begin = rte_rdtsc();
            there_.send(message);
            while (!back_.receive([](std::span<const std::uint8_t>) {})) there_.turn();
            trips_.push_back(rte_rdtsc() - begin);
          }
        },
        [&](const std::atomic<bool>& stop) {
          while (!stop.load(std::memory_order_relaxed))
            if (!there_.receive(
                    [this](std::span<const std::uint8_t> message) { back_.send(message); }))
              back_.turn();
        });
    const auto middle = trips_.begin() + static_cast<std::ptrdiff_t>(trips_.size() / 2);
    std::nth_element(trips_.begin(), middle, trips_.end());
    slice.ns = static_cast<double>(*middle) * 1e9 / static_cast<double>(rte_get_tsc_hz());
    return slice;
  }

 private:
  AnyWay there_, back_;
  std::vector<std::uint64_t> trips_;
};

struct AtomicWord {
  Slice measure(double /*seconds*/) { return {2 * pingpong_ns(), 0}; }
};

template <class Subject, class Floor>
class Ping final : public Row {
 public:
  Slice subject(double seconds) override { return subject_.measure(seconds); }
  Slice floor(double seconds) override { return floor_.measure(seconds); }

 private:
  Subject subject_;
  Floor floor_;
};

template <class Subject, class Floor>
RowSpec ping_row(const char* name, const char* floor_name, double goal) {
  return {name, floor_name,   "ns/round trip",
          goal, Lcores::kTwo, [] { return std::make_unique<Ping<Subject, Floor>>(); }};
}

}  // namespace

RowSpecs ping_rows() {
  constexpr const char* kWord = "round trip of an atomic word between the lcores";
  return {ping_row<Trips<Way>, AtomicWord>("ping_rtt_p50", kWord, 4),
          ping_row<Trips<Way>, Trips<WayByHand>>("ping_rtt_p50_frames",
                                                 "a net_ring program by hand: the same frames", 0),
          ping_row<Trips<WayOfPointers>, AtomicWord>("ping_rtt_p50_rte_ring", kWord, 0)};
}

}  // namespace bench
