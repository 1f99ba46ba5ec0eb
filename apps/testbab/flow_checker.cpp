#include "flow_checker.hpp"

#include <algorithm>
#include <utility>

namespace testbab {

FlowChecker::FlowChecker(const Options& options, const bab::FramerOptions& framer,
                         std::vector<bab::RxQueue*> queues)
    : Poller(Direction::kRx),
      framer_(framer),
      payload_(options.payload),
      queues_(std::move(queues)),
      burst_size_(options.burst) {}

void FlowChecker::judge(std::span<const std::uint8_t> message) noexcept {
  std::uint64_t word = 0;
  if (message.size() < sizeof word) {
    ++corrupt_;
    return;
  }
  std::memcpy(&word, message.data(), sizeof word);
  const std::uint64_t flow = FlowNumber::flow(word), number = FlowNumber::number(word);
  if (flow >= kMostFlows || !payload_.matches(message, word)) {
    ++corrupt_;
    return;
  }
  // A number that isn't the next one: overtaken or lost; what is lost is found by the count.
  if (number != next_[flow]) ++out_of_order_;
  next_[flow] = number + 1;
  ++came_[flow];
}

unsigned FlowChecker::poll(std::uint64_t now_tsc, Phase phase) noexcept {
  unsigned frames = 0;
  for (bab::RxQueue* queue : queues_) {
    const unsigned n = queue->receive(std::span(burst_.data(), burst_size_));
    for (unsigned i = 0; i < n; ++i) {
      bab::ReceivedFrame frame = framer_.accept(burst_[i], i + 1 < n ? burst_[i + 1] : nullptr);
      if (!frame) continue;
      if (frame.header().sequence != next_sequence_) ++gaps_;
      next_sequence_ = frame.header().sequence + frame.left();
      for (const auto message : frame) judge(message);
    }
    frames += n;
  }
  // Others' frames may come without end: ours are on their way no longer for that.
  const bab::FramerStats& s = framer_.stats();
  if (std::exchange(good_frames_, s.frames) != s.frames || quiet_since_ == 0)
    quiet_since_ = now_tsc;
  if (frames > 0) {
    live_rx.publish(s.messages, s.bytes, s.frames, framer_.drops().total(bab::DropUnit::kFrame));
    live_drops.publish(framer_.drops());
    live_gathered.publish(s.gathered);
  }
  if (phase == Phase::kAbandon ||
      (phase == Phase::kFinish && (s.messages >= expected_.load(std::memory_order_acquire) ||
                                   now_tsc - quiet_since_ > rte_get_tsc_hz() / 2)))
    finish();  // all came, or nothing did for half a second
  return frames;
}

void FlowChecker::sum_up(Summary& summary, std::span<const std::uint64_t> written) const {
  const bab::FramerStats& s = framer_.stats();
  BusTotals& bus = summary.bus;
  bus.messages_in += s.messages;
  bus.bytes_in += s.bytes;
  bus.frames_in += s.frames;
  bus.corrupt += corrupt_;
  bus.gaps += gaps_;
  bus.out_of_order += out_of_order_;
  bus.disordered += out_of_order_;
  bus.streams += written.size();
  summary.drops += framer_.drops();
  for (std::size_t flow = 0; flow < written.size(); ++flow)
    bus.missing += written[flow] - std::min(written[flow], came_[flow]);
}

}  // namespace testbab
