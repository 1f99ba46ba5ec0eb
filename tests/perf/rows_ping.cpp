#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <rte_cycles.h>

#include <bab/message/framer.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/port.hpp>

#include "pools.hpp"
#include "two_lcores.hpp"

namespace bench {
namespace {

/// One direction: writer, flusher and TX on one lcore, a ring port, RX and framer on the other.
class Way {
 public:
  Way() {
    flusher_.add(ring_);
    port_.start();
  }

  /// One message in a frame of its own, at once.
  void send(std::span<const std::uint8_t> message) noexcept {
    if (auto room = writer_.reserve(static_cast<std::uint32_t>(message.size()))) {
      std::memcpy(room.data(), message.data(), message.size());
      room.commit();
    }
    writer_.flush();
    flusher_.poll();
  }

  /// What a loop's turn does with a writer and a flusher; there is no deadline to keep, so no clock to read.
  void turn() noexcept {
    writer_.poll(0);
    flusher_.poll();
  }

  /// True when something came; `take` gets each message.
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

/// A message of 64 bytes goes to the other lcore and comes back, one at a time: the median round trip.
class Ping final : public Row {
 public:
  Ping() { trips_.reserve(1 << 20); }

  Slice subject(double seconds) override {
    trips_.clear();
    Stretch stretch(seconds);
    Slice slice;
    slice.interruptions = on_two_lcores(
        [&] {
          const std::array<std::uint8_t, 64> message{};
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

  Slice floor(double /*seconds*/) override { return {2 * pingpong_ns(), 0}; }

 private:
  Way there_, back_;
  std::vector<std::uint64_t> trips_;
};

}  // namespace

RowSpecs ping_rows() {
  return {{"ping_rtt_p50", "round trip of an atomic word between the lcores", "ns/round trip", 4,
           Lcores::kTwo, [] { return std::make_unique<Ping>(); }}};
}

}  // namespace bench
