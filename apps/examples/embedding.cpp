// A DPDK forwarder with its own EAL, pool and ports (a small l2fwd), to which a bus was added. The
// bus is what stands between BUS lines.
#include <rte_bus_vdev.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <bab/bab.hpp>

namespace {

constexpr std::uint16_t kBurst = 32;
constexpr unsigned kForward = 20'000;  // frames
constexpr unsigned kMessages = 1'000;

void start_eal() {
  std::vector<std::string> args = bab::embedded_eal_args();  // any will do; these need no NIC
  args.insert(args.begin(), "embedding");
  args.insert(args.end(), {"--log-level=4"});
  std::vector<char*> argv;
  for (std::string& a : args) argv.push_back(a.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0)
    throw std::runtime_error("EAL did not start");
}

std::uint16_t make_port(const char* vdev, std::uint16_t queues, rte_mempool* pool) {
  std::uint16_t id = 0;
  const rte_eth_conf conf{};
  if (rte_vdev_init(vdev, "") != 0 || rte_eth_dev_get_port_by_name(vdev, &id) != 0 ||
      rte_eth_dev_configure(id, queues, queues, &conf) != 0)
    throw std::runtime_error(std::string(vdev) + " can't be used");
  for (std::uint16_t q = 0; q < queues; ++q)
    if (rte_eth_rx_queue_setup(id, q, 256, 0, nullptr, pool) != 0 ||
        rte_eth_tx_queue_setup(id, q, 256, 0, nullptr) != 0)
      throw std::runtime_error(std::string(vdev) + " has not that many queues");
  if (rte_eth_dev_start(id) != 0) throw std::runtime_error(std::string(vdev) + " did not start");
  return id;
}

/// The forwarder's loop body: sends the frames that `in` receives on queue 0 of `out`, with another
/// MAC address.
unsigned forward(std::uint16_t in, std::uint16_t out) {
  std::array<rte_mbuf*, kBurst> burst;
  const std::uint16_t n = rte_eth_rx_burst(in, 0, burst.data(), kBurst);
  for (unsigned i = 0; i < n; ++i)
    std::memset(rte_pktmbuf_mtod(burst[i], void*), 0x02, sizeof(rte_ether_addr));
  const std::uint16_t sent = rte_eth_tx_burst(out, 0, burst.data(), n);
  rte_pktmbuf_free_bulk(burst.data() + sent, n - sent);
  return sent;
}

}  // namespace

int main() try {
  start_eal();
  rte_mempool* host_pool = rte_pktmbuf_pool_create("host", 2047, 128, 0, 2176, 0);
  if (host_pool == nullptr) throw std::runtime_error("no memory for the host's pool");
  const std::uint16_t in = make_port("net_null0", 1, host_pool);
  const std::uint16_t out = make_port("net_ring0", 2, host_pool);  // it receives what it sends
  unsigned forwarded = 0, came_back = 0, published = 0, arrived = 0;
  {
    // ---- BUS: set-up ---------------------------------------------------------------------------
    const bab::Eal eal = bab::Eal::adopt();
    bab::require_shareable(out);  // throws if FAST_FREE would free messages that are still read
    bab::BufferPool pool({.name = "bus", .buffers = 128, .cache = 16, .receives = true});
    const bab::wire::FrameHeader header({.session = bab::wire::make_session("EMBEDDED")});
    bab::FrameRing ring(pool.size());
    bab::TxQueue bus_queue(out, 1, false);  // the bus has queue 1; no TX offloads are on
    bab::WriteFlusher flusher(bus_queue, header);
    flusher.add(ring);
    bab::LocalWriter writer(
        pool, ring,
        {.payload_capacity = header.payload_capacity(1500), .header_size = header.size()});
    bab::RxQueue bus_rx(out, 1);
    bab::Framer framer;
    // ---- BUS: end of set-up --------------------------------------------------------------------

    const std::uint64_t deadline = rte_get_tsc_cycles() + 10 * rte_get_tsc_hz();
    while ((forwarded < kForward || arrived < kMessages) && rte_get_tsc_cycles() < deadline) {
      if (forwarded < kForward) forwarded += forward(in, out);

      // ---- BUS: each turn ----------------------------------------------------------------------
      if (published < kMessages)
        if (auto room = writer.reserve(sizeof published)) {  // no room: next turn
          std::memcpy(room.data(), &published, room.size());
          room.commit();
          if (++published == kMessages) writer.flush();
        }
      writer.poll(rte_get_tsc_cycles());
      flusher.poll();
      std::array<rte_mbuf*, kBurst> got;
      for (unsigned i = 0, n = bus_rx.receive(got); i < n; ++i)
        for (const auto message : framer.accept(got[i]))
          if (std::memcmp(message.data(), &arrived, sizeof arrived) == 0) ++arrived;
      bab::BufferPool::relieve();  // at each turn's end, so that this lcore may have a cache
      // ---- BUS: end ----------------------------------------------------------------------------

      std::array<rte_mbuf*, kBurst> back;
      const std::uint16_t n = rte_eth_rx_burst(out, 0, back.data(), kBurst);
      rte_pktmbuf_free_bulk(back.data(), n);
      came_back += n;
    }
    bab::BufferPool::empty_caches();  // BUS: this lcore turns no more
    std::array<rte_mbuf*, kBurst> back;
    while (const std::uint16_t n = rte_eth_rx_burst(out, 0, back.data(), kBurst)) {
      rte_pktmbuf_free_bulk(back.data(), n);
      came_back += n;
    }
  }
  const unsigned missing = rte_mempool_in_use_count(host_pool);
  for (const std::uint16_t id : {in, out})
    if (rte_eth_dev_stop(id) != 0 || rte_eth_dev_close(id) != 0) std::printf("port %u?\n", id);
  rte_mempool_free(host_pool);
  rte_eal_cleanup();
  std::printf("%u frames forwarded beside %u messages\n", forwarded, arrived);
  if (forwarded >= kForward && came_back == forwarded && arrived == kMessages && missing == 0)
    return 0;
  std::fprintf(stderr,
               "embedding: %u frames forwarded, %u came; %u of %u messages; %u buffers missing\n",
               forwarded, came_back, arrived, kMessages, missing);
  return 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "embedding: %s\n", e.what());
  return 1;
}
