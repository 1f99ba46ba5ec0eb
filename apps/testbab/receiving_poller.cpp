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

void ReceivingPoller::judge_only(std::vector<bab::wire::Session> sessions) {
  std::sort(sessions.begin(), sessions.end());
  sessions_ = std::move(sessions);
  if (!sessions_.empty()) last_own_ = sessions_.front();
}

bool ReceivingPoller::find_own(const bab::wire::MoldHeader& header) noexcept {
  if (!std::binary_search(sessions_.begin(), sessions_.end(), header.session)) {
    foreign_ += header.messages();
    return false;
  }
  last_own_ = header.session;
  return true;
}

bool ReceivingPoller::is_over(std::uint64_t now_tsc, Phase phase, unsigned frames) noexcept {
  if (asked_at_ == 0) asked_at_ = quiet_since_ = now_tsc;
  if (phase == Phase::kAbandon) return true;
  // A peer may go on for ever: a tenth of a second after the request this ends all the same.
  if (expected_ == 0) return frames == 0 || now_tsc - asked_at_ > rte_get_tsc_hz() / 10;
  if (last_own_count_ != own_) quiet_since_ = now_tsc;
  last_own_count_ = own_;
  // Frames on their way through NICs and cables arrive within half a second, or never.
  return own_ >= expected_ || now_tsc - quiet_since_ > rte_get_tsc_hz() / 2;
}

}  // namespace testbab
