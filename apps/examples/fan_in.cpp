// Eight writers on two lcores share one writer's frames; the main lcore sends them, receives them
// and checks that each writer's messages arrive complete and in order.
#include <bab/bab.hpp>

#include <rte_cycles.h>
#include <rte_launch.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

namespace {

constexpr std::uint32_t kWriters = 8;
constexpr std::uint32_t kEach = 20'000;

struct Message {
  std::uint32_t writer, number;
};

/// A lane of its own into the shared writer, for one task.
struct Writer {
  Writer(bab::SharedWriter& shared, bab::FrameRing& ring, std::uint32_t writer_id)
      : producer(shared, ring), id(writer_id) {}

  bab::Task<> write() {
    std::uint32_t number = 0;
    for (; number < kEach; ++number) {
      auto room = co_await bab::reserve_wait(producer, sizeof(Message));  // waits for a buffer
      if (!room) co_return;                                               // stopped
      const Message message{id, number};
      std::memcpy(room.data(), &message, sizeof message);
      room.commit();
    }
    const bab::Flushed flushed = co_await bab::flush_wait(producer);  // all of it is on its way
    sent = flushed == bab::Flushed::kSent;
  }

  bab::SharedWriter::Producer producer;
  std::uint32_t id;
  bool sent = false;
};

/// One worker lcore's loop and its writers.
struct Worker {
  int run() {
    for (auto& w : writers) {
      lcore.add(w->producer);
      lcore.spawn([&w] { return w->write(); });
    }
    lcore.run_tasks();  // they end when all their messages are sent, or at a stop
    return 0;
  }

  bab::Lcore lcore{{.strategy = bab::IdleStrategy::kBackOff}};
  std::vector<std::unique_ptr<Writer>> writers;
};

/// The main lcore's poller: sends, receives, checks.
struct Checker {
  unsigned poll(std::uint64_t) noexcept {
    unsigned work = flusher.poll();
    std::array<rte_mbuf*, 32> burst;
    const unsigned n = port.rx(0).receive(burst);
    for (unsigned i = 0; i < n; ++i)
      for (const auto message : framer.accept(burst[i])) check(message);
    return work + n;
  }

  void check(std::span<const std::uint8_t> bytes) noexcept {
    Message m{kWriters, 0};
    if (bytes.size() == sizeof m) std::memcpy(&m, bytes.data(), sizeof m);
    if (m.writer < kWriters && m.number == next[m.writer]) {
      ++next[m.writer];
      ++good;
    } else {
      ++bad;
    }
  }

  bab::Port& port;
  bab::WriteFlusher<bab::TxQueue>& flusher;
  bab::Framer framer{};
  std::array<std::uint32_t, kWriters> next{};
  std::uint64_t good = 0, bad = 0;
};

}  // namespace

int main() try {
  bab::Eal eal(bab::embedded_eal_args());
  bab::BufferPool pool(
      {.name = "buffers", .buffers = 256, .data_room = 9200, .cache = 32, .receives = true});
  bab::Loopback wire;
  bab::Port port({.id = wire.port_id(), .mtu = 9000}, pool);
  port.start();

  const bab::wire::FrameHeader header({.session = bab::wire::make_session("FANIN")});
  std::vector<std::unique_ptr<bab::FrameRing>> rings;
  std::vector<bab::FrameRing*> all;
  for (std::uint32_t i = 0; i < kWriters; ++i)
    all.push_back(rings.emplace_back(std::make_unique<bab::FrameRing>(pool.size())).get());
  bab::WriteFlusher flusher(port.tx(0), header);
  flusher.add_shared(all);  // all rings of the shared writer, in one call
  bab::SharedWriter shared(pool, {.payload_capacity = header.payload_capacity(port.mtu()),
                                  .header_size = header.size()});

  const std::vector<unsigned> lcores = eal.workers();
  std::array<Worker, 2> workers;
  for (std::uint32_t i = 0; i < kWriters; ++i)
    workers[i % 2].writers.push_back(std::make_unique<Writer>(shared, *all[i], i));
  for (std::size_t i = 0; i < workers.size(); ++i)
    rte_eal_remote_launch([](void* w) { return static_cast<Worker*>(w)->run(); }, &workers[i],
                          lcores.at(i));

  Checker checker{port, flusher};
  bab::Lcore main_lcore({.strategy = bab::IdleStrategy::kBackOff});
  main_lcore.add(checker);
  const std::uint64_t deadline = rte_get_tsc_cycles() + 10 * rte_get_tsc_hz();
  main_lcore.run_until([&] {
    return checker.good + checker.bad == kWriters * kEach || main_lcore.now() > deadline;
  });
  if (checker.good + checker.bad < kWriters * kEach)
    for (Worker& w : workers) w.lcore.request_stop();  // otherwise they end by themselves
  rte_eal_mp_wait_lcore();

  bool sent = true;
  for (const Worker& w : workers)
    for (const auto& writer : w.writers) sent = sent && writer->sent;
  std::printf("%llu messages of %u writers in order\n",
              static_cast<unsigned long long>(checker.good), kWriters);
  if (checker.good == kWriters * kEach && checker.bad == 0 && sent) return 0;
  std::fprintf(stderr, "fan_in: %llu of %u messages came in order, %llu out of order\n",
               static_cast<unsigned long long>(checker.good), kWriters * kEach,
               static_cast<unsigned long long>(checker.bad));
  return 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "fan_in: %s\n", e.what());
  return 1;
}
