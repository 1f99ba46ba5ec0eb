#include <bab/detail/ring_parties.hpp>

#include <algorithm>
#include <mutex>
#include <string>

#include <bab/base/error.hpp>

namespace bab::detail {
namespace {

std::mutex& set_up() {
  static std::mutex mutex;
  return mutex;
}

std::string bytes(std::uint32_t n) { return std::to_string(n) + " bytes"; }

void check(const RingWriter& writer, std::uint32_t header_size, std::uint32_t most_payload) {
  if (writer.header_size != header_size)
    throw Error("a writer's header_size is " + bytes(writer.header_size) +
                ", the headers of its ring's flusher have " + bytes(header_size) +
                "; give the writer the size() of that flusher's wire::FrameHeader");
  if (writer.payload_capacity > most_payload)
    throw Error("a writer's payload_capacity is " + bytes(writer.payload_capacity) +
                ", the sink of its ring's flusher takes frames with at most " +
                bytes(most_payload) +
                " of messages; use wire::FrameHeader::payload_capacity(mtu) of the sink's port");
}

}  // namespace

void RingParties::join(RingWriter& writer, bool empty) {
  const std::lock_guard lock(set_up());
  forget(empty);
  const RingWriter* other = writers_ != nullptr ? writers_ : has_left_ ? &left_ : nullptr;
  if (other != nullptr && other->header_size != writer.header_size)
    throw Error("a writer's header_size is " + bytes(writer.header_size) +
                ", that of the other frames in its ring is " + bytes(other->header_size) +
                "; they have one flusher, so use the size() of its wire::FrameHeader for all");
  if (taker_ != nullptr) detail::check(writer, taker_->header_size(), taker_->most_payload());
  if (writer.order) {
    RingOrder& order = *writer.order;
    if (taker_ != nullptr && order.taker_ != nullptr && order.taker_ != taker_)
      throw Error(
          "a shared writer's Producer has a ring of another flusher than the writer's other "
          "Producers; give one flusher the rings of all of them");
    if (std::find(orders_.begin(), orders_.end(), writer.order) == orders_.end())
      orders_.push_back(writer.order);
    order.header_size_ = writer.header_size;
    order.payload_capacity_ = writer.payload_capacity;
    if (taker_ != nullptr) order.taker_ = taker_;
  }
  writer.next = writers_;
  writers_ = &writer;
}

void RingParties::leave(RingWriter& writer) noexcept {
  const std::lock_guard lock(set_up());
  RingWriter** at = &writers_;
  while (*at != &writer) at = &(*at)->next;
  *at = writer.next;
  left_.header_size = writer.header_size;
  left_.payload_capacity =
      std::max(has_left_ ? left_.payload_capacity : 0, writer.payload_capacity);
  has_left_ = true;
}

bool RingParties::take(FrameTaker& taker, bool empty) {
  const std::lock_guard lock(set_up());
  if (taker_ == &taker) return false;
  forget(empty);
  if (taker_ != nullptr)
    throw Error(
        "a ring that has a flusher was given to a second flusher; destroy the first one before");
  if (has_left_) detail::check(left_, taker.header_size(), taker.most_payload());
  check_writers(taker.header_size(), taker.most_payload());
  for (const auto& order : orders_)
    if (order->taker_ != nullptr && order->taker_ != &taker)
      throw Error(
          "a shared writer's rings were given to two flushers; give one of them the rings of all "
          "its Producers");
  // The writers of these frames may have been destroyed long ago.
  for (const auto& order : orders_)
    if (order->holds_frames())
      detail::check({order->header_size_, order->payload_capacity_}, taker.header_size(),
                    taker.most_payload());
  for (const auto& order : orders_) {
    order->taker_ = &taker;
    taker.look_after(*order);
  }
  taker_ = &taker;
  return true;
}

void RingParties::let_go() noexcept {
  const std::lock_guard lock(set_up());
  for (const auto& order : orders_)
    if (order->taker_ == taker_) order->taker_ = nullptr;
  taker_ = nullptr;
}

void RingParties::check(std::uint32_t header_size, std::uint32_t most_payload) const {
  const std::lock_guard lock(set_up());
  check_writers(header_size, most_payload);
}

void RingParties::check_writers(std::uint32_t header_size, std::uint32_t most_payload) const {
  for (const RingWriter* w = writers_; w != nullptr; w = w->next)
    detail::check(*w, header_size, most_payload);
}

/// Forgets what no frame needs any more. The lock is held.
void RingParties::forget(bool empty) noexcept {
  if (empty) has_left_ = false;
  std::erase_if(orders_, [](const auto& order) { return order->is_over(); });
}

void throw_frames_under_way() {
  throw Error(
      "frames of the old session are under way; poll() until idle(), then begin the next session");
}

}  // namespace bab::detail
