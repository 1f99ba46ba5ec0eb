/// Four lcores pass messages on: two write, one sends and receives over a loopback, one reads. Only
/// bab orders their accesses. ThreadSanitizer shows whether bab tells it of this order.
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <thread>

#include <bab/bab.hpp>

namespace {

constexpr std::uint64_t kMessages = 20'000;  // of each writer

struct Bus {
  bab::BufferPool& pool;
  bab::wire::FrameHeader header{{.session = bab::wire::make_session("THREADS")}};
  bab::FrameRing one{pool.size()}, other{pool.size()};
  bab::PacketChannel channel{1024};
  std::atomic<bool> done{false};
};

bab::WriterOptions options(const Bus& bus) {
  return {.payload_capacity = 300, .header_size = bus.header.size(), .flush = {.max_messages = 8}};
}

template <class Writer>
void write_all(Bus& bus, Writer& writer) {
  for (std::uint64_t n = 1; n <= kMessages; ++n) {
    auto room = writer.reserve(sizeof n);
    while (!room) {
      writer.flush();
      (void)writer.poll(0);
      std::this_thread::yield();
      room = writer.reserve(sizeof n);
    }
    std::memcpy(room.data(), &n, sizeof n);
    room.commit();
  }
  writer.flush();
  while (!bus.done.load(std::memory_order_relaxed)) {
    (void)writer.poll(0);
    std::this_thread::yield();
  }
}

void carry(Bus& bus) {
  bab::Loopback wire;
  bab::Port port({.id = wire.port_id(), .mtu = 1500}, bus.pool);
  port.start();
  bab::WriteFlusher flusher(port.tx(0), bus.header);
  flusher.add(bus.one);
  flusher.add(bus.other);
  bab::Framer framer;
  std::array<rte_mbuf*, 32> burst;
  while (!bus.done.load(std::memory_order_relaxed)) {
    if (flusher.poll() == 0) std::this_thread::yield();
    for (unsigned i = 0, n = port.rx(0).receive(burst); i < n; ++i)
      for (bab::ReceivedFrame frame = framer.accept(burst[i]); frame.left() > 0;) {
        std::array<bab::Packet, 1> packet{frame.next()};
        while (bus.channel.try_send(std::span<bab::Packet>(packet)) == 0) std::this_thread::yield();
      }
  }
}

bool read_all(Bus& bus) {
  std::uint64_t came = 0, sum = 0;
  std::array<bab::SendPacket, 16> items;
  while (came < 2 * kMessages) {
    const unsigned n = bus.channel.try_receive(items);
    if (n == 0) std::this_thread::yield();
    for (unsigned i = 0; i < n; ++i, ++came) {
      std::uint64_t value;
      const bab::Packet packet = items[i].receive();
      std::memcpy(&value, packet.data(), sizeof value);
      sum += value;
    }
  }
  bus.done.store(true, std::memory_order_relaxed);
  return sum == kMessages * (kMessages + 1);
}

template <class Work>
std::thread lcore(Work work) {
  return std::thread([work] {
    const bab::LcoreRegistration registered;
    work();
  });
}

bool run(bab::BufferPool& pool, bool shared) {
  Bus bus{pool};
  bool good = false;
  bab::SharedWriter writer(pool, options(bus));
  const auto write = [&](bab::FrameRing& ring) {
    if (shared) {
      bab::SharedWriter::Producer producer(writer, ring);
      write_all(bus, producer);
    } else {
      bab::LocalWriter local(pool, ring, options(bus));
      write_all(bus, local);
    }
  };
  std::array threads{lcore([&] { write(bus.one); }), lcore([&] { write(bus.other); }),
                     lcore([&] { carry(bus); }), lcore([&] { good = read_all(bus); })};
  for (std::thread& thread : threads) thread.join();
  return good;
}

}  // namespace

int main() {
  bab::Eal eal(bab::embedded_eal_args());
  bab::BufferPool pool({.name = "threads", .buffers = 512, .cache = 0});
  const bool good = run(pool, false) && run(pool, true);
  std::printf("%s\n", good ? "good" : "bad");
  return good ? 0 : 1;
}
