#include "flow_checker.hpp"

#include <algorithm>
#include <cstring>

#include "flow.hpp"
#include "ledger_rows.hpp"

namespace testbab {

void FlowChecker::judge(std::span<const std::uint8_t> message) noexcept {
  std::uint64_t word = 0;
  if (message.size() < sizeof word) {
    ++corrupt_;
    return;
  }
  std::memcpy(&word, message.data(), sizeof word);
  const std::uint64_t flow = FlowNumber::flow(word), number = FlowNumber::number(word);
  if (flow >= kMaxFlows || !payload_.matches(message, word)) [[unlikely]] {
    ++corrupt_;
    return;
  }
  // A number that isn't the next one: overtaken or lost. What is lost is found by the count.
  if (number != next_[flow]) ++out_of_order_;
  next_[flow] = number + 1;
  ++came_[flow];
}

unsigned FlowChecker::poll(std::uint64_t now_tsc, Phase phase) noexcept {
  return receive(now_tsc, phase, [this](bab::ReceivedFrame& frame) {
    if (frame.header().sequence != next_sequence_) ++gaps_;
    next_sequence_ = frame.header().sequence + frame.left();
    for (const auto message : frame) judge(message);
  });
}

void FlowChecker::sum_up(Summary& summary, std::span<const std::uint64_t> written) const {
  add_received(summary, framer());
  add_foreign(summary, own(), foreign());
  BusTotals& bus = summary.bus;
  bus.corrupt += corrupt_;
  bus.gaps += gaps_;
  bus.out_of_order += out_of_order_;
  bus.disordered += out_of_order_;
  bus.streams += written.size();
  for (std::size_t flow = 0; flow < written.size(); ++flow)
    bus.missing += written[flow] - std::min(written[flow], came_[flow]);
}

}  // namespace testbab
