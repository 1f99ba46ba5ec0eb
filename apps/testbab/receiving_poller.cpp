#include "receiving_poller.hpp"

#include <algorithm>
#include <utility>

#include <rte_cycles.h>

namespace testbab {

ReceivingPoller::ReceivingPoller(const Options& options, const bab::FramerOptions& framer,
                                 std::vector<bab::RxQueue*> queues)
    : Poller(Direction::kRx),
      framer_(framer),
      queues_(std::move(queues)),
      burst_size_(options.burst) {}

void ReceivingPoller::expect(std::uint64_t messages, std::vector<bab::wire::Session> sessions) {
  std::sort(sessions.begin(), sessions.end());
  expected_ = messages;
  sessions_ = std::move(sessions);
}

bool ReceivingPoller::is_expected(const bab::wire::Session& session) const noexcept {
  return std::binary_search(sessions_.begin(), sessions_.end(), session);
}

bool ReceivingPoller::is_over(std::uint64_t now_tsc, Phase phase, unsigned frames) noexcept {
  if (asked_at_ == 0) asked_at_ = quiet_since_ = now_tsc;
  if (phase == Phase::kAbandon) return true;
  // A peer may go on for ever: a tenth of a second after the request this ends all the same.
  if (expected_ == 0) return frames == 0 || now_tsc - asked_at_ > rte_get_tsc_hz() / 10;
  if (last_came_ != expected_came_) quiet_since_ = now_tsc;
  last_came_ = expected_came_;
  // Frames on their way through NICs and cables arrive within half a second, or never.
  return framer_.stats().messages >= expected_ || now_tsc - quiet_since_ > rte_get_tsc_hz() / 2;
}

}  // namespace testbab
