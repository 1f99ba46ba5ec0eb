#include <array>
#include <memory>
#include <span>
#include <vector>

#include <rte_cycles.h>

#include <bab/memory/buffer_pool.hpp>

#include "engine_table.hpp"
#include "ledger_rows.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

/// Takes one RX queue's frames and frees them unread. This costs what port and driver cost, and no
/// more.
class Sink final : public Poller {
 public:
  Sink(const Options& options, bab::RxQueue& queue)
      : Poller(Direction::kRx), queue_(queue), burst_size_(options.burst) {}

  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept override {
    const unsigned n = queue_.receive(std::span(burst_.data(), burst_size_));
    if (n > 0) {
      bab::BufferPool::release(std::span<rte_mbuf* const>(burst_.data(), n));
      live_rx.publish(0, queue_.counters().bytes, queue_.counters().frames, 0);
    }
    if (phase != Phase::kRun) {
      if (asked_at_ == 0) asked_at_ = now_tsc;
      // A peer may go on for ever: a tenth of a second after the request this ends all the same.
      if (n == 0 || phase == Phase::kAbandon || now_tsc - asked_at_ > rte_get_tsc_hz() / 10)
        finish();
    }
    return n;
  }

  void sum_up(Summary& summary) const {
    summary.bus.frames_in += queue_.counters().frames;
    summary.bus.bytes_in += queue_.counters().bytes;
  }

 private:
  bab::RxQueue& queue_;
  std::array<rte_mbuf*, 512> burst_;
  unsigned burst_size_;
  std::uint64_t asked_at_ = 0;  // to finish
};

class Null final : public Job {
 public:
  Null(const Options& options, Wiring& wiring) {
    counts_frames = true;
    for (std::size_t i = 0; i < wiring.ports(); ++i)
      for (bab::RxQueue* queue : wiring.rx_queues(i)) {
        sinks_.push_back(std::make_unique<Sink>(options, *queue));
        sinks_.back()->works_with(wiring.rx_pool(i));
      }
    add_stage(sinks_);
  }

  void sum_up(Summary& summary) const override {
    for (const auto& sink : sinks_) sink->sum_up(summary);
    add_frames_row(summary);
  }

 private:
  std::vector<std::unique_ptr<Sink>> sinks_;
};

}  // namespace

constinit const Engine kNullEngine{
    .name = "null",
    .help = "receive on every port, count frames and free them unread",
    .loopback_ports = 0,
    .makes_messages = false,
    .port_use = "a port to receive on",
    .most_ports = 32,
    .session = "",
    .make = make_job<Null>};

}  // namespace testbab
