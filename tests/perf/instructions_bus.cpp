#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include <rte_cycles.h>

#include <bab/bus/bus.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/loopback.hpp>

#include "instructions.hpp"
#include "message.hpp"
#include "opaque.hpp"
#include "pools.hpp"

namespace bench {
namespace {

// Eight whole frames per turn. A lot is kLot = 512 * 259 messages, which is also a whole number of
// turns.
constexpr std::uint64_t kBurst = 8 * 259;
constexpr const char* kGroup = "239.1.1.1:30001";

bab::BusOptions options() {
  return {.ports = {{.device = "loopback", .mtu = 8880}}, .clock = bab::BusClock::kCaller};
}

/// Sends n messages over a Bus that is turned by hand. `read_all(in)` reads them.
template <class ReadAll>
void over_a_bus(std::uint64_t n, const ReadAll& read_all) {
  const Message message;
  bab::Bus bus(options());
  auto out = bus.publish({.session = "COUNTED", .to = kGroup, .flush_us = 0});
  auto in = bus.subscribe({.from = kGroup});
  std::uint64_t now = 1;
  for (; n > 0; n -= std::min(n, kBurst)) {
    for (std::uint64_t i = 0; i < kBurst; ++i) {
      auto room = out.reserve(32);
      message.copy_to(room.data(), 32);
      room.commit();
    }
    bus.turn(now++);
    read_all(in);
  }
  // The stop runs in virtual time. By the CPU's clock, the number of turns would differ each time.
  bus.begin_stop();
  for (; !bus.stopped(); now += rte_get_tsc_hz() / 1'000) bus.turn(now);
}

}  // namespace

void bus_32(std::uint64_t n) {
  over_a_bus(n, [](bab::Subscription& in) {
    while (const bab::Incoming got = in.next()) use(got.data());
  });
}

void bus_frames_32(std::uint64_t n) {
  over_a_bus(n, [](bab::Subscription& in) {
    while (bab::ReceivedFrame frame = in.next_frame())
      while (frame.left() > 0) use(frame.next_bytes().data());
  });
}

/// The job of bus_32, with the same parts put together by hand.
void parts_32(std::uint64_t n) {
  const Message message;
  OpenPool pool(pool_options(512, kJumboRoom));
  bab::Loopback wire;
  bab::Port port({.id = wire.port_id(), .mtu = 8880}, pool);
  port.start();
  const bab::wire::FrameHeader header({.destination_ip = 0xef010101,
                                       .destination_port = 30001,
                                       .session = bab::wire::make_session("COUNTED"),
                                       .ip_checksum = port.offloads().tx_ip,
                                       .udp_checksum = port.offloads().tx_udp});
  bab::FrameRing ring(pool.size());
  bab::WriteFlusher flusher(port.tx(0), header);
  flusher.add(ring);
  bab::LocalWriter writer(
      pool, ring,
      {.payload_capacity = header.payload_capacity(port.mtu()), .header_size = header.size()});
  bab::Framer framer({.checksums = port.offloads().rx});
  std::array<rte_mbuf*, 32> burst;
  for (std::uint64_t now = 1; n > 0; n -= std::min(n, kBurst)) {
    for (std::uint64_t i = 0; i < kBurst; ++i) {
      auto room = writer.reserve(32);
      message.copy_to(room.data(), 32);
      room.commit();
    }
    writer.poll(now);
    flusher.poll(now);
    const unsigned got = port.rx(0).receive(burst);
    for (unsigned i = 0; i < got; ++i)
      for (bab::ReceivedFrame frame = framer.accept(burst[i], i + 1 < got ? burst[i + 1] : nullptr);
           frame.left() > 0;)
        use(frame.next_bytes().data());
    bab::BufferPool::relieve();
    ++now;
  }
  port.drain();
}

}  // namespace bench
