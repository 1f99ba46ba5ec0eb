#include "engine_relay.hpp"

#include <array>
#include <optional>

#include <rte_memcpy.h>

#include <bab/message/framer.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>

#include "generator.hpp"
#include "receiver.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

/// RX queues → framer → writer → one TX queue, on one lcore. What finds no buffer waits, and
/// nothing more is received meanwhile: back-pressure, not loss.
class Relay final : public Poller {
 public:
  Relay(const Options& options, Wiring& wiring, std::size_t out, unsigned tx_queue,
        std::vector<bab::RxQueue*> rx)
      : Poller(Direction::kBoth),
        rx_(std::move(rx)),
        queue_(wiring.port(out).tx(tx_queue)),
        burst_size_(options.burst),
        framer_(framer_options(options, wiring, 0)),
        header_(wiring.header(options, out, tx_queue)),
        ring_(wiring.tx_pool(out).size()),
        writer_(wiring.tx_pool(out), ring_,
                writer_options(options, header_, wiring.port(out).mtu())),
        flusher_(queue_, header_, options.burst) {
    flusher_.add(ring_);
    works_with(wiring.tx_pool(out));
  }
  ~Relay() override { bab::BufferPool::release(std::span(burst_.data() + at_, came_ - at_)); }

  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept override {
    unsigned work = flusher_.poll(now_tsc);
    if (finished()) return work;
    work += relay();
    if (at_ == came_ && !frame_ && phase == Phase::kRun) work += receive();
    if (phase == Phase::kRun) {
      work += writer_.poll(now_tsc);
    } else {
      if (phase == Phase::kAbandon) give_up();
      writer_.flush();
      if (phase == Phase::kAbandon) flusher_.drop_pending();
      if (at_ == came_ && !frame_ && writer_.idle() && flusher_.idle()) finish();
    }
    const bab::FramerStats& in = framer_.stats();
    live_rx.publish(in.messages, in.bytes, in.frames,
                    framer_.drops().total(bab::DropUnit::kFrame) + drops_[bab::Drop::kTooLong]);
    bab::DropCounters drops = framer_.drops();
    drops += drops_;
    live_drops.publish(drops);
    live_gathered.publish(in.gathered);
    const bab::FlusherStats& out = flusher_.stats();
    live_tx.publish(out.messages, out.bytes, out.frames, 0);
    live_writer.publish(writer_.stats());
    return work;
  }

  [[nodiscard]] Level ring() const noexcept override { return {ring_.size(), ring_.capacity()}; }

  void sum_up(Summary& summary) const {
    const bab::FramerStats& in = framer_.stats();
    const bab::FlusherStats& out = flusher_.stats();
    const std::uint64_t refused = queue_.refused_messages();
    const std::uint64_t sent = out.messages - out.dropped_messages - refused;
    BusTotals& bus = summary.bus;
    bus.messages_in += in.messages;
    bus.bytes_in += in.bytes;
    bus.frames_in += in.frames;
    bus.messages_out += sent;
    bus.bytes_out += out.bytes - out.dropped_bytes - queue_.refused_bytes();
    bus.frames_out += queue_.counters().frames;
    const std::uint64_t too_long = drops_[bab::Drop::kTooLong];
    const std::uint64_t no_buffer = drops_[bab::Drop::kNoBuffer];
    bus.lost += too_long + no_buffer + out.dropped_messages + refused;
    summary.drops += framer_.drops();
    summary.drops += flusher_.drops();
    summary.drops += drops_;
    summary.ledger.row("messages relayed", in.messages).out = {{"sent", sent},
                                                               {"too_long", too_long},
                                                               {"no_buffer", no_buffer},
                                                               {"tx_full", out.dropped_messages},
                                                               {"tx_refused", refused}};
    summary.set_held_apart(header_.session());
    summary.ledger.row("frames written", writer_.stats().frames).out = {
        {"sent", queue_.counters().frames},
        {"tx_full", flusher_.drops()[bab::Drop::kTxFull]},
        {"tx_refused", queue_.drops()[bab::Drop::kTxRefused]}};
  }

 private:
  unsigned receive() noexcept {
    at_ = came_ = 0;
    // One RX queue a turn: a burst is what can wait here.
    turn_ = turn_ + 1 < rx_.size() ? turn_ + 1 : 0;
    came_ = rx_[turn_]->receive(std::span(burst_.data(), burst_size_));
    return came_;
  }

  /// Copies on until all that came is written, or there is no buffer.
  unsigned relay() noexcept {
    unsigned work = 0;
    while (true) {
      if (!frame_) {
        if (at_ == came_) return work;
        ++work;
        rte_mbuf* m = burst_[at_++];
        if (bab::ReceivedFrame next = framer_.accept(m)) frame_.emplace(std::move(next));
        continue;
      }
      while (waiting_ || frame_->left() > 0) {
        const auto message = waiting_ ? *waiting_ : frame_->next_bytes();
        auto room = writer_.reserve(static_cast<std::uint32_t>(message.size()));
        if (!room && room.failure() != bab::ReserveFailure::kTooLong) {
          waiting_ = message;
          return work;
        }
        waiting_.reset();
        if (room) {
          rte_memcpy(room.data(), message.data(), message.size());
          room.commit();
        } else {
          drops_.add(bab::Drop::kTooLong);
        }
        ++work;
      }
      frame_.reset();
    }
  }

  /// No buffer came in time: what waits is dropped and counted.
  void give_up() noexcept {
    while (frame_ || at_ < came_) {
      if (frame_) {
        drops_.add(bab::Drop::kNoBuffer, frame_->left() + (waiting_ ? 1 : 0));
        waiting_.reset();
        frame_.reset();
      }
      if (at_ < came_)
        if (bab::ReceivedFrame next = framer_.accept(burst_[at_++]))
          frame_.emplace(std::move(next));
    }
  }

  std::vector<bab::RxQueue*> rx_;
  bab::TxQueue& queue_;
  unsigned burst_size_;
  std::size_t turn_ = 0;
  std::array<rte_mbuf*, 512> burst_;
  unsigned at_ = 0, came_ = 0;
  std::optional<bab::ReceivedFrame> frame_;
  std::optional<std::span<const std::uint8_t>> waiting_;  // of frame_: found no buffer
  bab::Framer framer_;
  bab::DropCounters drops_;
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
    bab::Port& in = wiring.port(0);
    const std::size_t out = wiring.ports() - 1;
    const std::size_t relays = std::min<std::size_t>(wiring.port(out).tx_queues(), in.rx_queues());
    std::vector<std::vector<bab::RxQueue*>> dealt(relays);
    const auto queues = wiring.rx_queues(0);
    for (std::size_t q = 0; q < queues.size(); ++q) dealt[q % relays].push_back(queues[q]);
    auto& pollers = stages.emplace_back();
    for (std::size_t i = 0; i < relays; ++i) {
      pollers.push_back(
          std::make_unique<Relay>(options, wiring, out, static_cast<unsigned>(i), dealt[i]));
      pollers.back()->works_with(wiring.rx_pool(0));
      pollers.back()->receives_on(0);
    }
  }

  void sum_up(Summary& summary) const override {
    for (const auto& p : stages[0]) static_cast<const Relay&>(*p).sum_up(summary);
    add_frames_row(summary);
  }
};

}  // namespace

std::unique_ptr<Job> make_relay(const Options& options, Wiring& wiring) {
  return std::make_unique<RelayJob>(options, wiring);
}

}  // namespace testbab
