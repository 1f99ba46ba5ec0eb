// Publishes and subscribes over a loopback: two tasks on one lcore, which take turns.
#include <bab/bab.hpp>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

int main() try {
  bab::Eal eal(bab::embedded_eal_args());
  bab::BufferPool pool({.name = "buffers", .buffers = 1024, .data_room = 9200, .receives = true});
  bab::Loopback wire;
  bab::Port port({.id = wire.port_id(), .mtu = 9000}, pool);
  port.start();
  const bab::wire::FrameHeader header({.session = bab::wire::make_session("HELLO")});
  bab::FrameRing ring(pool.size());
  bab::WriteFlusher flusher(port.tx(0), header);
  flusher.add(ring);
  bab::LocalWriter writer(
      pool, ring,
      {.payload_capacity = header.payload_capacity(port.mtu()), .header_size = header.size()});

  const std::vector<std::string> texts{"hello", "bus"};
  std::vector<std::string> got;
  bab::Lcore lcore;
  lcore.spawn([&]() -> bab::Task<> {  // the publisher
    for (const std::string& text : texts) {
      auto room = co_await bab::reserve_wait(writer, static_cast<std::uint32_t>(text.size()));
      if (!room) co_return;  // stopped
      std::memcpy(room.data(), text.data(), room.size());
      room.commit();
    }
    writer.flush();
  });
  lcore.spawn([&]() -> bab::Task<> {  // the subscriber
    bab::Framer framer;
    while (got.size() < texts.size() && !lcore.stop_requested()) {
      flusher.poll();
      rte_mbuf* burst[32];
      for (unsigned i = 0, n = port.rx(0).receive(burst); i < n; ++i)
        for (bab::ReceivedFrame frame = framer.accept(burst[i]); frame.left() > 0;) {
          const std::span message = frame.next_bytes();
          got.emplace_back(message.begin(), message.end());
        }
      co_await bab::Yield();
    }
  });
  const auto deadline = rte_get_tsc_cycles() + 2 * rte_get_tsc_hz();
  lcore.run_until([&] {
    if (lcore.now() > deadline) lcore.request_stop();
    return lcore.tasks() == 0;
  });
  for (const std::string& text : got) std::printf("%s\n", text.c_str());
  if (got == texts) return 0;
  std::fprintf(stderr, "hello: %zu of %zu messages came\n", got.size(), texts.size());
  return 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "hello: %s\n", e.what());
  return 1;
}
