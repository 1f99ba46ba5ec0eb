#include <bab/bus/detail/received.hpp>

#include <algorithm>
#include <utility>

namespace bab::detail {

Received::Received(const FramerOptions& framer, std::optional<wire::Session> session,
                   std::uint32_t backlog, BusHand* hand)
    : hand_(hand), framer_(framer), session_(session), ring_(backlog), backlog_(backlog) {}

void Received::push(std::span<rte_mbuf* const> frames) noexcept {
  const auto fits = std::min<std::size_t>(frames.size(), room());
  const unsigned taken = ring_.push(frames.first(fits));
  delivered_ += taken;
  if (taken == frames.size()) [[likely]]
    return;
  BufferPool::release(frames.subspan(taken));
  behind_ += frames.size() - taken;
}

std::uint64_t Received::waiting() const noexcept {
  const std::uint64_t next = next_, size = size_;
  const std::uint64_t in_burst = size > next ? size - next : 0;
  return ring_.size() + in_burst + (next > 0 ? 1 : 0);
}

/// One frame. Without a loop around it, its counters cost as much as plain numbers.
Received::Took Received::take() noexcept {
  std::uint64_t next = next_;
  std::uint64_t size = size_;
  if (next == size) {
    next = 0;
    size_ = size = ring_.pop(burst_);
    if (size == 0) {
      next_ = 0;
      frame_ = ReceivedFrame();
      return Took::kNothing;
    }
  }
  rte_mbuf* const m = burst_[next++];
  next_ = next;
  frame_ = framer_.accept(m, next < size ? burst_[next] : nullptr);
  if (frame_.left() == 0) return Took::kOther;
  if (!session_ || frame_.header().session == *session_) [[likely]]
    return Took::kFrame;
  ++other_sessions_;
  frame_ = ReceivedFrame();
  return Took::kOther;
}

bool Received::find_frame() noexcept { return advance() || turn_for_frame(); }

bool Received::turn_for_frame() noexcept {
  // Twice: what a burst of this turn's brought into the port may come out of it in the next one.
  for (int turns = 0; turns < 2; ++turns) {
    if (hand_ == nullptr || !hand_->turn_by_hand(true)) return false;
    if (advance()) return true;
  }
  return false;
}

Incoming Received::next_frame() noexcept {
  if (!advance() && !turn_for_frame()) return {};
  return Incoming(frame_.next_bytes());
}

std::uint64_t Received::drop_all() noexcept {
  std::uint64_t unread = frame_.left() > 0 ? 1 : 0;
  frame_ = ReceivedFrame();
  while (true) {
    const std::span<rte_mbuf* const> rest(burst_.data() + next_, size_ - next_);
    unread += rest.size();
    BufferPool::release(rest);
    next_ = 0;
    size_ = ring_.pop(burst_);
    if (size_ == 0) return unread;
  }
}

}  // namespace bab::detail
