#include <array>
#include <optional>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_memcpy.h>

#include <bab/port/loopback.hpp>

#include "engine_rig.hpp"
#include "made_frames.hpp"
#include "one_lcore.hpp"

namespace bench {
namespace {

constexpr unsigned kBurst = 32;

/// testbab's relay engine between two net_ring ports, on one lcore. The row feeds one port with
/// frames of MTU 1500 and empties the other port. Both sides of the row get the same.
class RelayRow {
 public:
  void subject(benchmark::State& state) {
    testbab::Poller& relay = rig_.poller(0);
    run(state, [&relay] { relay.poll(rte_rdtsc(), testbab::Poller::Phase::kRun); });
  }

  /// Copies without headers or checks. Lengths in the frame are trusted.
  void floor(benchmark::State& state) {
    run(state, [this] { copy(); });
    if (open_ != nullptr) send();
  }

 private:
  static constexpr std::uint32_t kRoom = bab::wire::FrameHeader::payload_capacity(9000);

  template <class Work>
  void run(benchmark::State& state, const Work& work) {
    const std::int64_t batch = made_.messages_per_frame() * kBurst;
    std::size_t next = 0;
    while (state.KeepRunningBatch(batch)) {
      const auto burst = made_.frames().subspan(next, kBurst);
      next = (next + kBurst) % made_.frames().size();
      for (rte_mbuf* m : burst) bab::Shares<>::take(m);
      rte_eth_tx_burst(in_.port_id(), 0, burst.data(), kBurst);
      while (in_.queued() > 0) work();
      std::array<rte_mbuf*, kBurst> came;
      while (const unsigned n = rte_eth_rx_burst(out_.port_id(), 0, came.data(), kBurst))
        bab::BufferPool::release(std::span<rte_mbuf* const>(came.data(), n));
    }
  }

  void copy() noexcept {
    std::array<rte_mbuf*, kBurst> burst;
    const std::uint16_t n = rte_eth_rx_burst(in_.port_id(), 0, burst.data(), kBurst);
    for (std::uint16_t i = 0; i < n; ++i) rte_prefetch0(rte_pktmbuf_mtod(burst[i], void*));
    for (std::uint16_t i = 0; i < n; ++i) {
      const auto* at = rte_pktmbuf_mtod_offset(burst[i], const std::uint8_t*, kHeaderBytes);
      std::uint32_t count = bab::wire::load_be<std::uint16_t>(at - 2);
      for (; count > 0; --count) {
        const std::uint32_t block = 2 + bab::wire::load_be<std::uint16_t>(at);
        if (used_ + block > room_) next_frame();
        rte_memcpy(to_ + used_, at, block);
        used_ += block;
        at += block;
      }
    }
    rte_pktmbuf_free_bulk(burst.data(), n);
  }

  void next_frame() noexcept {
    if (open_ != nullptr) send();
    open_ = rte_pktmbuf_alloc(pool_.mempool());
    to_ = rte_pktmbuf_mtod_offset(open_, std::uint8_t*, kHeaderBytes);
    room_ = kRoom;
  }

  void send() noexcept {
    open_->data_len = static_cast<std::uint16_t>(kHeaderBytes + used_);
    open_->pkt_len = open_->data_len;
    rte_eth_tx_burst(out_.port_id(), 0, &open_, 1);
    open_ = nullptr;
    used_ = room_ = 0;
  }

  static testbab::Options options() {
    testbab::Options o;
    o.engine = "relay";
    o.mtu = {1500, 9000};
    return o;
  }

  MadeFrames made_{64, 1514, 32};
  bab::Loopback in_, out_;  // the only ports that exist when the engine looks for ports
  EngineRig rig_{options()};
  PlainPool pool_{512, kJumboRoom};
  rte_mbuf* open_ = nullptr;
  std::uint8_t* to_ = nullptr;
  std::uint32_t used_ = 0, room_ = 0;
};

}  // namespace

RowSpecs relay_rows() {
  return {{"relay_1500_to_9000", "memcpy of the same messages between the same rings", "ns/message",
           1.5, Lcores::kOne, one_lcore<RelayRow>}};
}

}  // namespace bench
