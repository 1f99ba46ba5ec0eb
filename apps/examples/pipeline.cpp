// Packets go through three lcores by channels. The main lcore receives them, a worker inspects them
// and drops every other one, a second worker counts the rest. No byte is copied. A task ends when
// the channel that it reads is closed.
#include <bab/bab.hpp>

#include <rte_cycles.h>
#include <rte_launch.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace {

constexpr std::uint64_t kMessages = 50'000;

std::uint64_t number_in(const bab::Packet& packet) {
  std::uint64_t number = 0;
  if (packet.size() >= sizeof number) std::memcpy(&number, packet.data(), sizeof number);
  return number;
}

bab::Task<> publish(bab::LocalWriter& writer) {
  std::uint64_t number = 0;
  for (; number < kMessages; ++number) {
    auto room = co_await bab::reserve_wait(writer, 2 * sizeof number);
    if (!room) co_return;
    std::memset(room.data(), 0xab, sizeof number);  // a header, which the inspector takes off
    std::memcpy(room.data() + sizeof number, &number, sizeof number);
    room.commit();
  }
  writer.flush();
}

bab::Task<> receive(bab::RxQueue& rx, bab::PacketChannel& out, std::uint64_t deadline) {
  bab::Framer framer;
  std::array<rte_mbuf*, 32> burst;
  std::array<bab::Packet, 32> batch;
  bool open = true;
  while (open && framer.stats().messages < kMessages && bab::Lcore::current()->now() < deadline) {
    const unsigned n = rx.receive(burst);
    for (unsigned i = 0; i < n; ++i) {
      bab::ReceivedFrame frame = framer.accept(burst[i], i + 1 < n ? burst[i + 1] : nullptr);
      while (frame.left() > 0) {
        std::size_t size = 0;
        while (size < batch.size() && frame.left() > 0) batch[size++] = frame.next();
        const bab::Outcome outcome = co_await out.send(std::span(batch).first(size));
        open = open && outcome == bab::Outcome::kDone;  // else closed, or stopped
      }
    }
    co_await bab::Yield();
  }
  out.close_sender();
  bab::Lcore::current()->request_stop();  // ends the publisher, too, if the deadline has passed
}

bab::Task<> inspect(bab::PacketChannel& in, bab::PacketChannel& out) {
  std::array<bab::SendPacket, 32> arrived;
  std::array<bab::Packet, 32> kept;
  while (true) {
    auto wait = in.receive(arrived);
    const bab::Outcome outcome = co_await wait;
    if (outcome != bab::Outcome::kDone) break;
    std::size_t size = 0;
    for (std::size_t i = 0; i < wait.received(); ++i) {
      bab::Packet packet = arrived[i].receive();
      if (packet.advance(sizeof(std::uint64_t)) && number_in(packet) % 2 == 0)
        kept[size++] = std::move(packet);
    }
    const bab::Outcome passed_on = co_await out.send(std::span(kept).first(size));
    if (passed_on != bab::Outcome::kDone) break;
  }
  in.close_receiver();
  out.close_sender();
}

bab::Task<> sink(bab::PacketChannel& in, std::uint64_t& good) {
  std::array<bab::SendPacket, 32> arrived;
  while (true) {
    auto wait = in.receive(arrived);
    const bab::Outcome outcome = co_await wait;
    if (outcome != bab::Outcome::kDone) break;
    for (std::size_t i = 0; i < wait.received(); ++i) {
      const bab::Packet packet = arrived[i].receive();
      if (number_in(packet) == 2 * good) ++good;
    }
  }
  in.close_receiver();
}

template <class Make>
struct Stage {
  Make make;
  bab::Lcore lcore{{.strategy = bab::IdleStrategy::kBackOff}};
  void launch(unsigned id) {
    lcore.spawn(make);
    const auto loop = [](void* self) {
      static_cast<Stage*>(self)->lcore.run_tasks();
      return 0;
    };
    if (rte_eal_remote_launch(loop, this, id) != 0) throw std::runtime_error("an lcore is busy");
  }
};
template <class Make>
Stage(Make) -> Stage<Make>;

}  // namespace

int main() try {
  bab::Eal eal(bab::embedded_eal_args());
  bab::BufferPool pool(
      {.name = "buffers", .buffers = 256, .data_room = 9200, .cache = 32, .receives = true});
  std::uint64_t good = 0;
  {
    bab::Loopback wire;
    bab::Port port({.id = wire.port_id(), .mtu = 9000}, pool);
    port.start();
    const bab::wire::FrameHeader header({.session = bab::wire::make_session("PIPELINE")});
    bab::FrameRing ring(pool.size());
    bab::WriteFlusher flusher(port.tx(0), header);
    flusher.add(ring);
    bab::LocalWriter writer(
        pool, ring,
        {.payload_capacity = header.payload_capacity(port.mtu()), .header_size = header.size()});

    bab::PacketChannel to_inspect(256), to_sink(256);
    Stage inspector{[&] { return inspect(to_inspect, to_sink); }};
    Stage counter{[&] { return sink(to_sink, good); }};
    const std::vector<unsigned> lcores = eal.workers();
    inspector.launch(lcores.at(0));
    counter.launch(lcores.at(1));

    bab::Lcore main_lcore({.strategy = bab::IdleStrategy::kBackOff});
    main_lcore.add(flusher);
    main_lcore.add(writer);
    const std::uint64_t deadline = rte_get_tsc_cycles() + 10 * rte_get_tsc_hz();
    main_lcore.spawn([&] { return publish(writer); });
    main_lcore.spawn([&] { return receive(port.rx(0), to_inspect, deadline); });
    main_lcore.run();
    rte_eal_mp_wait_lcore();
    port.drain();
  }
  std::printf("%llu packets came through, %u of %u buffers are free\n",
              static_cast<unsigned long long>(good), pool.available(), pool.size());
  if (good == kMessages / 2 && pool.available() == pool.size()) return 0;
  std::fprintf(stderr, "pipeline: %llu packets of %llu came through, %u buffers are missing\n",
               static_cast<unsigned long long>(good),
               static_cast<unsigned long long>(kMessages / 2), pool.in_use());
  return 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "pipeline: %s\n", e.what());
  return 1;
}
