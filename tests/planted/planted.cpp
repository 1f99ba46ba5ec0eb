/// A program with one bug, which is chosen by name. The checks of debug and sanitizer builds must
/// catch each bug. Without a bug (case "none") the program ends well. Never run it if it was built
/// with NDEBUG and without a sanitizer: nothing stops the bug then.
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <rte_launch.h>

#include <bab/base/eal.hpp>
#include <bab/base/error.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>
#include <bab/message/local_writer.hpp>

namespace bab {
namespace {

struct Bus {
  BufferPool pool{{.name = "planted", .buffers = 4, .cache = 0}};
  FrameRing ring{4};
  std::optional<LocalWriter> writer{std::in_place, pool, ring, WriterOptions{200, 62, {}, 0}};

  LocalWriter::Reservation reserve(std::uint32_t len) {
    auto r = writer->reserve(len);
    std::memset(r.data(), 'x', r.size());
    return r;
  }
  Packet packet() { return reserve(30).commit_packet(); }

  /// Sends the committed messages. Nobody receives them: the frames are released.
  void send() {
    writer->flush();
    std::array<rte_mbuf*, 4> frames;
    const unsigned n = ring.pop(frames);
    BufferPool::release(std::span<rte_mbuf* const>(frames.data(), n));
  }

  /// Does what every user of a pool does at its end.
  int end() {
    writer.reset();
    send_rest();
    for (const BufferHolder& holder : pool.holders(4))
      std::fprintf(stderr, "buffer %u was leaked: %u shares\n", holder.buffer_id, holder.shares);
    return pool.in_use() == 0 ? 0 : 1;
  }

 private:
  void send_rest() {
    rte_mbuf* m;
    while (ring.pop({&m, 1}) == 1) BufferPool::release(m);
  }
};

/// Runs `work()` on lcore 1.
template <class Work>
void on_another_lcore(Work work) {
  detail::tsan_release(&work);  // EAL hands `work` over inside a library that isn't instrumented
  rte_eal_remote_launch(
      [](void* p) {
        detail::tsan_acquire(p);
        (*static_cast<Work*>(p))();
        detail::tsan_release(p);
        return 0;
      },
      &work, 1);
  rte_eal_wait_lcore(1);
  detail::tsan_acquire(&work);
}

/// These calls are bugs. The compiler must not see through them: it might warn of them or remove
/// them.
volatile std::uint8_t sink;
void poke(volatile std::uint8_t* at) { *at = 0xee; }
void peek(const volatile std::uint8_t* at) { sink = *at; }

void overrun_of_a_reservation(Bus& bus) {
  auto r = bus.reserve(29);
  poke(r.data() + r.size());
  r.commit();
}

void overrun_into_a_neighbour(Bus& bus) {
  auto r = bus.reserve(29);
  bus.reserve(30).commit();
  poke(r.data() + r.size());
  r.commit();
  bus.send();
}

void overrun_of_a_frame(Bus& bus) {
  auto r = bus.reserve(198);
  poke(r.data() + r.size());
  r.commit();
}

void write_after_abort(Bus& bus) {
  auto r = bus.reserve(30);
  std::uint8_t* at = r.data();
  r.abort();
  poke(at + 8);
}

void write_into_a_hole(Bus& bus) {
  auto r = bus.reserve(30);
  std::uint8_t* at = r.data();
  const auto next = bus.reserve(30);
  r.abort();
  poke(at + 8);
}

void write_to_a_released_buffer(Bus& bus) {
  rte_mbuf* m = bus.pool.try_acquire();
  BufferPool::release(m);
  poke(rte_pktmbuf_mtod(m, std::uint8_t*));
}

void write_to_a_sent_frame(Bus& bus) {
  auto r = bus.reserve(30);
  std::uint8_t* at = r.data();
  r.commit();
  bus.send();
  poke(at);
}

void read_of_a_dropped_packet(Bus& bus) {
  Packet packet = bus.packet();
  const std::uint8_t* at = packet.data();
  bus.send();
  peek(at);  // still valid: the Packet holds the buffer
  packet = Packet();
  peek(at);
}

void read_of_a_received_packet(Bus& bus) {
  Packet packet = bus.packet();
  SendPacket sent = packet.send();
  bus.send();
  const std::uint8_t* at = nullptr;
  {
    const Packet received = sent.receive();
    at = received.data();
  }
  peek(at);
}

void double_release(Bus& bus) {
  rte_mbuf* m = bus.pool.try_acquire();
  BufferPool::release(m);
  BufferPool::release(m);
}

void double_release_in_bulk(Bus& bus) {
  rte_mbuf* m = bus.pool.try_acquire();
  const std::array<rte_mbuf*, 2> twice{m, m};
  BufferPool::release(twice);
}

void leaked_buffer(Bus& bus) { (void)!bus.pool.try_acquire(); }

void packet_never_dropped(Bus& bus) {
  alignas(Packet) static std::array<std::byte, sizeof(Packet)> place;
  new (place.data()) Packet(bus.packet());
}

void packet_on_a_foreign_lcore(Bus& bus) {
  const Packet packet = bus.packet();
  on_another_lcore([&] { (void)packet.clone(); });
}

void packet_dropped_on_a_foreign_lcore(Bus& bus) {
  Packet packet = bus.packet();
  on_another_lcore([&] { Packet(std::move(packet)); });
}

void packet_sent_on_a_foreign_lcore(Bus& bus) {
  Packet packet = bus.packet();
  on_another_lcore([&] { (void)packet.send(); });
}

void writer_on_a_second_lcore(Bus& bus) {
  bus.reserve(30).commit();
  on_another_lcore([&] { bus.reserve(30).commit(); });
}

void commit_on_a_second_lcore(Bus& bus) {
  auto r = bus.reserve(30);
  on_another_lcore([&] { r.commit(); });
}

void reservation_outlives_its_writer(Bus& bus) {
  const auto r = bus.reserve(30);
  bus.writer.reset();
}

void late_reservation_outlives_its_writer(Bus& bus) {
  bus.reserve(30).commit();
  const auto r = bus.reserve(30);
  bus.writer->flush();
  bus.writer.reset();
}

void none(Bus& bus) {
  bus.reserve(30).commit();
  auto r = bus.reserve(30);
  Packet packet = bus.packet();
  r.abort();
  bus.send();
  SendPacket sent = packet.send();
  on_another_lcore([&] { peek(sent.receive().data()); });
}

struct Case {
  std::string_view name;
  void (*plant)(Bus&);
};
#define CASE(name) \
  { #name, name }
constexpr Case kCases[] = {CASE(none),
                           CASE(overrun_of_a_reservation),
                           CASE(overrun_into_a_neighbour),
                           CASE(overrun_of_a_frame),
                           CASE(write_after_abort),
                           CASE(write_into_a_hole),
                           CASE(write_to_a_released_buffer),
                           CASE(write_to_a_sent_frame),
                           CASE(read_of_a_dropped_packet),
                           CASE(read_of_a_received_packet),
                           CASE(double_release),
                           CASE(double_release_in_bulk),
                           CASE(leaked_buffer),
                           CASE(packet_never_dropped),
                           CASE(packet_on_a_foreign_lcore),
                           CASE(packet_dropped_on_a_foreign_lcore),
                           CASE(packet_sent_on_a_foreign_lcore),
                           CASE(writer_on_a_second_lcore),
                           CASE(commit_on_a_second_lcore),
                           CASE(reservation_outlives_its_writer),
                           CASE(late_reservation_outlives_its_writer)};
#undef CASE

int run(std::string_view name) {
  const std::array<std::string, 8> args{"--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
                                        "-m",        "64",          "--lcores", "0@0,1@0"};
  for (const Case& c : kCases) {
    if (c.name != name) continue;
    const Eal eal(args);
    Bus bus;
    c.plant(bus);
    return bus.end();
  }
  std::fprintf(stderr, "no such bug\n");
  return 2;
}

}  // namespace
}  // namespace bab

int main(int argc, char** argv) {
  try {
    return bab::run(argc == 2 ? argv[1] : "");
  } catch (const bab::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 3;
  }
}
