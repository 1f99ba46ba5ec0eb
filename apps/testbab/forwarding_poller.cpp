#include "forwarding_poller.hpp"

#include <algorithm>
#include <utility>

#include "receiver.hpp"
#include "wiring.hpp"

namespace testbab {

ForwardingPoller::ForwardingPoller(const Options& options, Wiring& wiring, std::size_t in,
                                   std::vector<bab::RxQueue*> rx)
    : Poller(Direction::kBoth),
      rx_(std::move(rx)),
      burst_size_(options.burst),
      framer_(framer_options(options, wiring, in)) {
  works_with(wiring.rx_pool(in));
  receives_on(in);
}

ForwardingPoller::~ForwardingPoller() {
  bab::BufferPool::release(std::span<rte_mbuf* const>(burst_.data() + at_, came_ - at_));
}

unsigned ForwardingPoller::receive() noexcept {
  at_ = came_ = 0;
  // One RX queue a turn: a burst is what can wait here.
  turn_ = turn_ + 1 < rx_.size() ? turn_ + 1 : 0;
  came_ = rx_[turn_]->receive(std::span(burst_.data(), burst_size_));
  return came_;
}

void ForwardingPoller::give_up() noexcept {
  while (!all_written()) {
    if (frame_) {
      drops_.add(bab::Drop::kNoBuffer, frame_->left() + (waiting_ ? 1 : 0));
      waiting_.reset();
      frame_.reset();
    }
    if (at_ < came_)
      if (bab::ReceivedFrame next = framer_.accept(burst_[at_++])) frame_.emplace(std::move(next));
  }
}

void ForwardingPoller::publish_forwarded() noexcept {
  const bab::FramerStats& in = framer_.stats();
  live_rx.publish(in.messages, in.bytes, in.frames,
                  framer_.drops().total(bab::DropUnit::kFrame) + drops_[bab::Drop::kTooLong]);
  bab::DropCounters drops = framer_.drops();
  drops += drops_;
  live_drops.publish(drops);
  live_gathered.publish(in.gathered);
}

void ForwardingPoller::sum_up_forwarded(Summary& summary, Written written,
                                        const bab::TxQueue& queue) const {
  const std::uint64_t too_long = drops_[bab::Drop::kTooLong];
  const std::uint64_t no_buffer = drops_[bab::Drop::kNoBuffer];
  add_received(summary, framer_);
  summary.drops += drops_;
  summary.bus.lost += too_long + no_buffer + unsent_messages(written.flushed, queue);
  written.messages = framer_.stats().messages;
  written.unwritten.emplace_back(bab::drop_name(bab::Drop::kTooLong), too_long);
  written.unwritten.emplace_back(bab::drop_name(bab::Drop::kNoBuffer), no_buffer);
  add_sent(summary, written, queue);
}

std::vector<std::vector<bab::RxQueue*>> deal_rx_queues(Wiring& wiring, std::size_t in,
                                                       std::size_t out) {
  const auto queues = wiring.rx_queues(in);
  std::vector<std::vector<bab::RxQueue*>> dealt(
      std::min<std::size_t>(wiring.port(out).tx_queues(), queues.size()));
  for (std::size_t q = 0; q < queues.size(); ++q) dealt[q % dealt.size()].push_back(queues[q]);
  return dealt;
}

}  // namespace testbab
