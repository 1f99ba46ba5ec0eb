#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>

#include "engine_table.hpp"
#include "forwarding_poller.hpp"
#include "generator.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

/// RX queues → framer → writer → one TX queue, on one lcore.
class Relay final : public ForwardingPoller {
 public:
  Relay(const Options& options, Wiring& wiring, std::size_t out, unsigned tx_queue,
        std::vector<bab::RxQueue*> rx)
      : ForwardingPoller(options, wiring, 0, std::move(rx)),
        queue_(wiring.port(out).tx(tx_queue)),
        header_(wiring.header(options, out, tx_queue)),
        ring_(wiring.tx_pool(out).size()),
        writer_(wiring.tx_pool(out), ring_,
                writer_options(options, header_, wiring.port(out).mtu())),
        flusher_(queue_, header_, options.burst) {
    flusher_.add(ring_);
    works_with(wiring.tx_pool(out));
  }

  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept override {
    unsigned work = flusher_.poll(now_tsc);
    if (finished()) return work;
    work += relay();
    if (all_written() && phase == Phase::kRun) work += receive();
    if (phase == Phase::kRun) {
      work += writer_.poll(now_tsc);
    } else {
      if (phase == Phase::kAbandon) give_up();
      writer_.flush();
      if (phase == Phase::kAbandon) flusher_.drop_pending();
      if (all_written() && writer_.idle() && flusher_.idle()) finish();
    }
    publish_forwarded();
    const bab::FlusherStats& out = flusher_.stats();
    live_tx.publish(out.messages, out.bytes, out.frames, 0);
    live_writer.publish(writer_.stats());
    return work;
  }

  [[nodiscard]] Level ring() const noexcept override { return {ring_.size(), ring_.capacity()}; }

  void sum_up(Summary& summary) const {
    sum_up_forwarded(summary,
                     {.row = "messages relayed",
                      .frames = writer_.stats().frames,
                      .flushed = flusher_.stats(),
                      .drops = flusher_.drops(),
                      .session = header_.session()},
                     queue_);
  }

 private:
  unsigned relay() noexcept {
    return forward([this](rte_mbuf* m, rte_mbuf*) noexcept { return framer().accept(m); },
                   [](const bab::ReceivedFrame&) noexcept { return true; },
                   [this](std::uint32_t len) noexcept { return writer_.reserve(len); },
                   [](std::size_t) noexcept {});
  }

  bab::TxQueue& queue_;
  bab::wire::FrameHeader header_;
  bab::FrameRing ring_;
  bab::LocalWriter writer_;
  bab::WriteFlusher<bab::TxQueue> flusher_;
};

/// One Relay per TX queue; the RX queues are dealt out among them.
class RelayJob final : public Job {
 public:
  RelayJob(const Options& options, Wiring& wiring) {
    counts_received = true;
    const std::size_t out = wiring.ports() - 1;
    unsigned tx_queue = 0;
    for (auto& rx : deal_rx_queues(wiring, 0, out))
      relays_.push_back(std::make_unique<Relay>(options, wiring, out, tx_queue++, std::move(rx)));
    add_stage(relays_);
  }

  void sum_up(Summary& summary) const override {
    for (const auto& relay : relays_) relay->sum_up(summary);
    add_frames_row(summary);
  }

 private:
  std::vector<std::unique_ptr<Relay>> relays_;
};

}  // namespace

constinit const Engine kRelayEngine{
    .name = "relay",
    .help = "re-pack the messages of one port into large frames on it or on a second one",
    .loopback_ports = 0,
    .makes_messages = false,
    .port_use = "a port to receive on and one (or the same) to send on",
    .most_ports = 2,
    .session = "BABRELAY",
    .make = make_job<RelayJob>};

}  // namespace testbab
