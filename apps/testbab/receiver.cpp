#include "receiver.hpp"

#include <span>

#include <rte_cycles.h>

#include "wiring.hpp"

namespace testbab {

bab::FramerOptions framer_options(const Options& options, Wiring& wiring, std::size_t in) {
  return {wiring.port(in).offloads().rx, options.rx_udp_port, wiring.gathering_pool(in)};
}

Receiver::Receiver(const Options& options, const bab::FramerOptions& framer,
                   std::vector<bab::RxQueue*> queues, bool strict)
    : Poller(Direction::kRx),
      framer_(framer),
      checker_(strict, options.payload),
      queues_(std::move(queues)),
      burst_size_(options.burst) {}

unsigned Receiver::poll(std::uint64_t now_tsc, Phase phase) noexcept {
  unsigned frames = 0;
  for (bab::RxQueue* queue : queues_) {
    const unsigned n = queue->receive(std::span(burst_.data(), burst_size_));
    for (unsigned i = 0; i < n; ++i) {
      bab::ReceivedFrame frame = framer_.accept(burst_[i], i + 1 < n ? burst_[i + 1] : nullptr);
      if (!frame) continue;
      checker_.begin(frame.header());
      for (const auto message : frame) checker_.message(message);
    }
    frames += n;
  }
  if (frames > 0) {
    const bab::FramerStats& s = framer_.stats();
    live_rx.publish(s.messages, s.bytes, s.frames, framer_.drops().total(bab::DropUnit::kFrame));
    live_drops.publish(framer_.drops());
    live_gathered.publish(s.gathered);
    // Others' frames may come without end: ours are on their way no longer for that.
    if (s.frames != good_frames_) quiet_since_ = now_tsc;
    good_frames_ = s.frames;
  }
  if (phase != Phase::kRun && is_over(now_tsc, phase, frames)) finish();
  return frames;
}

bool Receiver::is_over(std::uint64_t now_tsc, Phase phase, unsigned frames) noexcept {
  if (asked_at_ == 0) asked_at_ = quiet_since_ = now_tsc;
  const std::uint64_t expected = expected_.load(std::memory_order_acquire);
  // A peer may go on for ever: what comes later than this after the request is not waited for.
  if (expected == 0 && now_tsc - asked_at_ > rte_get_tsc_hz() / 10) return true;
  if (phase == Phase::kAbandon) return true;
  if (expected == 0) return frames == 0;
  // Frames on their way through NICs and cables arrive within half a second, or never.
  return framer_.stats().messages >= expected || now_tsc - quiet_since_ > rte_get_tsc_hz() / 2;
}

void Receiver::sum_up(Summary& summary) const {
  const bab::FramerStats& s = framer_.stats();
  summary.bus.messages_in += s.messages;
  summary.bus.bytes_in += s.bytes;
  summary.bus.frames_in += s.frames;
  summary.drops += framer_.drops();
}

void add_frames_row(Summary& summary) {
  std::uint64_t received = 0;
  for (const PortSummary& port : summary.ports) received += port.taken;
  auto& row = summary.ledger.row("frames received", received);
  row.out.emplace_back("good", summary.bus.frames_in);
  for (std::size_t i = 1; i < bab::kDrops; ++i) {
    const auto reason = static_cast<bab::Drop>(i);
    // What the NIC or driver dropped is not among the frames it says it received.
    if (bab::drop_stage(reason) != bab::DropStage::kReceive) continue;
    if (const std::uint64_t n = summary.drops[reason]; n > 0)
      row.out.emplace_back(bab::drop_name(reason), n);
  }
}

}  // namespace testbab
