#include "plugin.hpp"

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include <bab/bab.hpp>

namespace {

struct Plugin {
  explicit Plugin(int number)
      : pool({.name = "plugin" + std::to_string(number), .buffers = 16, .receives = true}) {
    port.start();
  }
  bab::BufferPool pool;
  bab::Loopback wire;
  bab::LoopbackPair cable;
  bab::Port port{{.id = wire.port_id()}, pool};
  bab::FrameRing ring{16};
  bab::PacketChannel channel{4};
};
std::unique_ptr<Plugin> plugin;

}  // namespace

int plugin_start(int number) try {
  plugin = std::make_unique<Plugin>(number);
  return 0;
} catch (const std::exception& e) {
  std::printf("plugin %d: %s\n", number, e.what());
  return 1;
}

rte_mbuf* plugin_frame() {
  const bab::wire::FrameHeader header({.session = bab::wire::make_session("PLUGIN")});
  constexpr std::uint16_t kPayload = 7;
  rte_mbuf* m = plugin->pool.try_acquire();
  auto* at = reinterpret_cast<std::uint8_t*>(
      rte_pktmbuf_append(m, static_cast<std::uint16_t>(header.size() + kPayload)));
  bab::wire::store_be<std::uint16_t>(at + header.size(), 5);
  std::memcpy(at + header.size() + 2, "hello", 5);
  header.stamp(at, kPayload, 1, 1);
  return m;
}

int plugin_take(rte_mbuf* frame) {
  bab::Framer framer;
  int bad = 0;
  bad += bab::BufferPool::of(frame) != nullptr;
  bad += bool(framer.accept(frame));
  bad += framer.drops()[bab::Drop::kForeignBuffer] != 1;
  return bad;
}

int plugin_stop() {
  const bool full = plugin->pool.in_use() == 0;
  plugin.reset();
  return full ? 0 : 1;
}
