#include <array>
#include <stdexcept>

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <bab/port/loopback.hpp>

#include "loop_engine.hpp"
#include "null_port.hpp"
#include "one_lcore.hpp"
#include "payload.hpp"
#include "plain_frames.hpp"
#include "pools.hpp"
#include "two_lcores.hpp"

namespace bench {
namespace {

constexpr unsigned kBurst = 32;

/// The same job by hand, with plain DPDK: a program for one message size.
class ByHand {
 public:
  explicit ByHand(std::uint32_t len) : frame_(bab::wire::FrameHeader::payload_capacity(9000), len) {
    rte_eth_conf conf{};
    conf.rxmode.mtu = 9000;
    const std::uint16_t port = loopback_.port_id();
    if (rte_eth_dev_configure(port, 1, 1, &conf) != 0 ||
        rte_eth_rx_queue_setup(port, 0, 128, SOCKET_ID_ANY, nullptr, pool_.mempool()) != 0 ||
        rte_eth_tx_queue_setup(port, 0, 128, SOCKET_ID_ANY, nullptr) != 0 ||
        rte_eth_dev_start(port) != 0)
      throw std::runtime_error("the ring port of the program by hand could not be started");
  }
  ~ByHand() {
    std::array<rte_mbuf*, kBurst> burst;
    while (const unsigned n = rte_eth_rx_burst(loopback_.port_id(), 0, burst.data(), kBurst))
      rte_pktmbuf_free_bulk(burst.data(), n);
    rte_eth_dev_stop(loopback_.port_id());
    rte_eth_dev_close(loopback_.port_id());
  }

  Slice measure(double seconds) {
    Stretch stretch(seconds);
    Slice slice;
    slice.interruptions = on_two_lcores(
        [&] {
          while (stretch.goes_on(messages_)) receive();
        },
        [&](const std::atomic<bool>& stop) {
          while (!stop.load(std::memory_order_relaxed)) send(stop);
        });
    slice.ns = stretch.ns();
    return slice;
  }

  void check() const {
    if (wrong_ > 0) throw std::runtime_error(fmt::format("e2e by hand: {} wrong", wrong_));
  }

 private:
  /// Frames that are made before they are sent. They are few, and stay near the L1 cache. 1 to 32
  /// make no difference (LOG.md).
  static constexpr unsigned kMade = 4;

  void send(const std::atomic<bool>& stop) noexcept {
    std::array<rte_mbuf*, kMade> burst;
    if (rte_pktmbuf_alloc_bulk(pool_.mempool(), burst.data(), kMade) != 0) return;
    for (rte_mbuf* m : burst) {
      frame_.write(m, next_, [this](std::uint8_t* at, std::uint32_t len, std::uint64_t sequence) {
        payload_.fill(at, len, sequence);
      });
      next_ += frame_.messages();
    }
    std::uint16_t sent = 0;
    while (sent < kMade) {
      sent = static_cast<std::uint16_t>(
          sent + rte_eth_tx_burst(loopback_.port_id(), 0, burst.data() + sent,
                                  static_cast<std::uint16_t>(kMade - sent)));
      if (sent == kMade || !stop.load(std::memory_order_relaxed)) continue;
      rte_pktmbuf_free_bulk(burst.data() + sent, kMade - sent);
      next_ -= std::uint64_t{frame_.messages()} * (kMade - sent);
      break;
    }
  }

  void receive() noexcept {
    std::array<rte_mbuf*, kBurst> burst;
    const std::uint16_t n = rte_eth_rx_burst(loopback_.port_id(), 0, burst.data(), kBurst);
    for (std::uint16_t i = 0; i < n; ++i) rte_prefetch0(rte_pktmbuf_mtod(burst[i], void*));
    for (std::uint16_t i = 0; i < n; ++i) {
      const auto* at = rte_pktmbuf_mtod_offset(burst[i], const std::uint8_t*, kHeaderBytes);
      const std::uint32_t count = bab::wire::load_be<std::uint16_t>(at - 2);
      auto sequence = bab::wire::load_be<std::uint64_t>(at - 10);
      wrong_ += sequence != expected_ ? 1 : 0;
      for (std::uint32_t left = count; left > 0; --left, ++sequence) {
        const std::uint32_t len = bab::wire::load_be<std::uint16_t>(at);
        if (!payload_.matches({at + 2, len}, sequence)) [[unlikely]]
          ++wrong_;
        at += 2 + len;
      }
      expected_ = sequence;
      messages_ += count;
    }
    if (n > 0) rte_pktmbuf_free_bulk(burst.data(), n);
  }

  testbab::Payload payload_;
  PlainFrame frame_;
  PlainPool pool_{1024, kJumboRoom};
  bab::Loopback loopback_;
  alignas(64) std::uint64_t next_ = 1;
  alignas(64) std::uint64_t expected_ = 1;
  std::uint64_t messages_ = 0;
  std::uint64_t wrong_ = 0;
};

class EndToEnd final : public Row {
 public:
  explicit EndToEnd(std::uint32_t len) : engine_(len), by_hand_(len) {}
  Slice subject(double seconds) override {
    const Slice slice = engine_.measure(seconds);
    engine_.check();
    return slice;
  }
  Slice floor(double seconds) override {
    const Slice slice = by_hand_.measure(seconds);
    by_hand_.check();
    return slice;
  }

 private:
  LoopEngine engine_;  // first, because it uses all existing ports, and makes one if there is none
  ByHand by_hand_;
};

constexpr std::uint32_t kBlock = 1024;

/// testbab's txonly engine on net_null, on one lcore. The floor is testpmd's txonly loop
/// (pkt_burst_transmit: a bulk of mbufs, headers from a template, one burst), with the messages
/// copied in. Nanoseconds per frame.
class TxOnlyFrames {
 public:
  TxOnlyFrames() : rig_(options()) {
    sender_.add(rig_.poller(0));
    rte_eth_conf conf{};
    conf.rxmode.mtu = 9000;
    if (rte_eth_dev_configure(plain_.id(), 1, 1, &conf) != 0 ||
        rte_eth_rx_queue_setup(plain_.id(), 0, 512, SOCKET_ID_ANY, nullptr, pool_.mempool()) != 0 ||
        rte_eth_tx_queue_setup(plain_.id(), 0, 512, SOCKET_ID_ANY, nullptr) != 0 ||
        rte_eth_dev_start(plain_.id()) != 0)
      throw std::runtime_error("the net_null port of the plain loop could not be started");
  }
  ~TxOnlyFrames() { rte_eth_dev_stop(plain_.id()); }

  void subject(benchmark::State& state) {
    const auto& frames = rig_.wiring().port(0).tx(0).counters().frames;
    while (state.KeepRunningBatch(kTurn)) {
      end_ += kTurn;
      while (frames < end_) sender_.turn(rte_rdtsc());
    }
  }

  void floor(benchmark::State& state) {
    while (state.KeepRunningBatch(kTurn)) {
      for (std::int64_t frames = 0; frames < kTurn; frames += kBurst) {
        std::array<rte_mbuf*, kBurst> burst;
        if (rte_pktmbuf_alloc_bulk(pool_.mempool(), burst.data(), kBurst) != 0) return;
        for (rte_mbuf* m : burst) {
          frame_.write(m, next_,
                       [this](std::uint8_t* at, std::uint32_t len, std::uint64_t sequence) {
                         payload_.fill(at, len, sequence);
                       });
          next_ += frame_.messages();
        }
        for (std::uint16_t sent = 0; sent < kBurst;)
          sent = static_cast<std::uint16_t>(
              sent + rte_eth_tx_burst(plain_.id(), 0, burst.data() + sent,
                                      static_cast<std::uint16_t>(kBurst - sent)));
      }
    }
  }

 private:
  static testbab::Options options() {
    testbab::Options o = bus_options("txonly", kBlock);
    o.tx_checksum = bab::ChecksumChoice::kOff;
    return o;
  }

  NullPort port_;
  EngineRig rig_;  // before the second port exists, because it uses all ports
  bab::Lcore sender_{{bab::IdleStrategy::kSpin}};
  std::uint64_t end_ = 0;
  NullPort plain_;
  PlainPool pool_{1024, kJumboRoom};
  testbab::Payload payload_;
  PlainFrame frame_{bab::wire::FrameHeader::payload_capacity(9000), kBlock};
  std::uint64_t next_ = 1;
};

}  // namespace

RowSpecs bus_rows() {
  RowSpecs rows;
  for (const std::uint32_t len : {32U, 64U, 256U, 1024U})
    rows.push_back({fmt::format("e2e_{}", len),
                    "a net_ring program by hand: same frames, copy and check", "ns/message", 1.15,
                    Lcores::kTwo, [len] { return std::make_unique<EndToEnd>(len); }});
  rows.push_back({"txonly_frames", "testpmd's txonly loop and a copy of the messages", "ns/frame",
                  1.3, Lcores::kOne, one_lcore<TxOnlyFrames>});
  return rows;
}

}  // namespace bench
