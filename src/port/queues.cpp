#include <bab/port/queues.hpp>

#include <algorithm>

#include <bab/wire/moldudp64.hpp>

namespace bab {

void RxQueue::show(std::span<rte_mbuf* const> frames) noexcept {
  if (frames.empty()) return;
  Tap::Sink* sink = tap_->enter();
  if (sink == nullptr) return;
  for (std::size_t at = 0; at < frames.size(); at += Tap::kMax) {
    const auto some = frames.subspan(at, std::min<std::size_t>(Tap::kMax, frames.size() - at));
    Tap::Copies copies;
    sink->copy(some, copies);
    sink->pass(std::span(copies.data(), some.size()), static_cast<unsigned>(some.size()));
  }
  tap_->leave();
}

/// Frames are copied before they are sent: afterwards they belong to the NIC.
unsigned TxQueue::send_tapped(std::span<rte_mbuf*> frames) noexcept {
  Tap::Sink* sink = tap_->enter();
  if (sink == nullptr) return send_now(frames);
  const auto some = frames.first(std::min<std::size_t>(tap_->offer(), frames.size()));
  Tap::Copies copies;
  sink->copy(some, copies);
  const std::uint64_t refused = drops_[Drop::kTxRefused];
  const unsigned taken = send_now(some);
  // A frame that tx_prepare refused is the last one taken, and was not sent.
  const unsigned went = taken - (drops_[Drop::kTxRefused] > refused ? 1U : 0U);
  sink->pass(std::span(copies.data(), some.size()), went);
  tap_->offered(static_cast<unsigned>(some.size()), taken);
  tap_->leave();
  return taken;
}

void TxQueue::refuse(rte_mbuf* m) noexcept {
  drops_.add(Drop::kTxRefused);
  if (!BufferPool::is_plain(m)) {  // no writer filled it: its number of messages is not known
    rte_pktmbuf_free(m);
    return;
  }
  const BufferMeta& meta = buffer_meta(m);
  refused_messages_ += meta.messages;
  refused_bytes_ += meta.payload_len - wire::kBlockLengthBytes * meta.messages;
  BufferPool::release(m);
}

}  // namespace bab
