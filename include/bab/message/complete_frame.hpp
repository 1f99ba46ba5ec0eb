#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <span>

#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>
#include <bab/memory/shares.hpp>
#include <bab/wire/message_range.hpp>

namespace bab {

/// A complete frame as its sink sees it: the writer's id, and the messages in place.
///
///     unsigned operator()(std::span<const bab::CompleteFrame> frames, std::uint32_t writer_id)
///     noexcept {
///       for (const bab::CompleteFrame& frame : frames)
///         for (std::span<const std::uint8_t> message : frame) …
///       return frames.size();  // taken; the rest is offered again
///     }
///
/// A view: valid until the sink returns. To keep bytes for longer, make a Packet of them: packet().
/// On the flusher's lcore.
class CompleteFrame {
 public:
  CompleteFrame() noexcept = default;  // no frame
  /// `frame`: one that a FrameSink was given.
  explicit CompleteFrame(rte_mbuf* frame) noexcept : frame_(frame) {}

  [[nodiscard]] std::uint32_t writer_id() const noexcept { return meta().writer_id; }
  [[nodiscard]] std::uint16_t messages() const noexcept { return meta().messages; }
  /// The message blocks: two bytes of length (big-endian) before each message.
  [[nodiscard]] std::span<const std::uint8_t> payload() const noexcept {
    const std::uint8_t* data = rte_pktmbuf_mtod(frame_, const std::uint8_t*);
    return {data + frame_->data_len - meta().payload_len, meta().payload_len};
  }
  /// The whole frame with its headers.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
    return {rte_pktmbuf_mtod(frame_, const std::uint8_t*), frame_->data_len};
  }

  /// The payload as a Packet of the calling lcore. The Packet has a share of its own: its bytes
  /// stay valid after the frame has gone. Empty on a thread without an lcore id.
  [[nodiscard]] Packet packet() const noexcept { return packet(payload()); }
  /// The same for `part`, which is one message or any other part of the frame.
  [[nodiscard]] Packet packet(std::span<const std::uint8_t> part) const noexcept {
    const unsigned lcore = rte_lcore_id();
    if (lcore >= RTE_MAX_LCORE) return {};
    Account& account = meta().home->account(lcore, meta().id);
    if (account.handles == 0) {
      Shares<>::take(frame_);
      ++account.shares;
      account.buffer = frame_;
    }
    return PacketSource::more(account, part.data(), static_cast<std::uint32_t>(part.size()));
  }

  /// The messages, in order.
  using Iterator = wire::MessageRange::Iterator;
  [[nodiscard]] Iterator begin() const noexcept { return wire::MessageRange(payload()).begin(); }
  [[nodiscard]] Iterator end() const noexcept { return wire::MessageRange(payload()).end(); }

 private:
  [[nodiscard]] const BufferMeta& meta() const noexcept { return buffer_meta(frame_); }

  rte_mbuf* frame_ = nullptr;
};

}  // namespace bab
