#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <rte_mbuf.h>

#include <bab/base/atom.hpp>
#include <bab/base/drops.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/message/frame_order.hpp>
#include <bab/wire/frame_header.hpp>

namespace bab {

/// Where a WriteFlusher's frames go: takes some from the front, in order, and owns what it took (one
/// share each). A port's TX queue, a test, a socket. Must not throw.
template <class S>
concept FrameSink = requires(S& sink, std::span<rte_mbuf*> frames) {
  { sink.send(frames) }
  noexcept->std::same_as<unsigned>;
};

struct FlusherStats {
  std::uint64_t frames = 0;            ///< taken by the sink
  std::uint64_t messages = 0;          ///< numbered; dropped ones are a gap that receivers see
  std::uint64_t bytes = 0;             ///< of those messages, without their length prefixes
  std::uint64_t dropped_messages = 0;  ///< in frames that drop_pending() dropped
  std::uint64_t dropped_bytes = 0;     ///< of those messages
};

/// One session's way out: takes complete frames from writers' rings, numbers their messages, writes the
/// headers in place and gives them to the sink in bursts. What the sink doesn't take stays, in order, so
/// that back-pressure reaches the writers as an empty pool and never as silent loss.
///
/// All calls on one lcore. One session = one flusher = one TX queue.
template <FrameSink Sink, class Atom = RealAtom>
class WriteFlusher {
 public:
  using Ring = typename Atom::template Ring<rte_mbuf>;
  static constexpr unsigned kMaxBurst = 512;

  /// `burst`: frames per sink call, 1 … kMaxBurst.
  WriteFlusher(Sink& sink, const wire::FrameHeader& header, unsigned burst = 32,
               std::uint64_t first_sequence = wire::kMoldFirstSequence)
      : sink_(sink),
        header_(header),
        burst_(std::clamp(burst, 1U, kMaxBurst)),
        next_sequence_(first_sequence) {}
  WriteFlusher(const WriteFlusher&) = delete;
  WriteFlusher& operator=(const WriteFlusher&) = delete;
  ~WriteFlusher() { drop_pending(); }

  /// Before the first poll(). Rings are served in turn; each one's order is kept. Their writers'
  /// header_size must be this flusher's header's; a ring must outlive the flusher.
  void add(Ring& ring) { rings_.push_back({&ring, nullptr}); }

  /// The rings of all Producers of one shared writer, whose frames are brought back into its order here.
  void add_shared(std::span<Ring* const> rings) {
    orders_.push_back(std::make_unique<FrameOrder>());
    for (Ring* ring : rings) rings_.push_back({ring, orders_.back().get()});
  }

  /// Another session from now on, to whom `header` says; its size must be that of the frames that writers
  /// hand over from now on. Only when idle().
  void begin_session(const wire::FrameHeader& header,
                     std::uint64_t first_sequence = wire::kMoldFirstSequence) noexcept {
    assert(idle() && "frames of the old session are under way");
    header_ = header;
    next_sequence_ = first_sequence;
  }

  /// One turn: at most one burst in, one out. Returns frames that went out or came in.
  /// (An Lcore's pollers are given the time; it isn't used here.)
  unsigned poll(std::uint64_t /*now_tsc*/ = 0) noexcept {
    const unsigned came = fill();
    return came + drain();
  }

  /// True when no frame is pending here or in a ring.
  [[nodiscard]] bool idle() const noexcept {
    return pending_count_ == 0 &&
           std::all_of(rings_.begin(), rings_.end(),
                       [](const Source& s) { return s.ring->size() == 0; }) &&
           std::all_of(orders_.begin(), orders_.end(), [](const auto& o) { return o->empty(); });
  }

  /// Frees what the sink would not take, counted as Drop::kTxFull. Returns frames.
  unsigned drop_pending() noexcept {
    unsigned dropped = 0;
    const auto drop = [&](std::span<rte_mbuf* const> frames) {
      for (rte_mbuf* m : frames) {
        stats_.dropped_messages += buffer_meta(m).messages;
        stats_.dropped_bytes += message_bytes(buffer_meta(m));
      }
      BufferPool::release(frames);
      dropped += static_cast<unsigned>(frames.size());
    };
    do {
      drop(std::span<rte_mbuf* const>(pending_.data(), pending_count_));
      pending_count_ = 0;
    } while (fill() > 0);
    // What still waits for a frame that never came was not numbered: it would have been next.
    for (const auto& order : orders_)
      while (rte_mbuf* m = order->take_any()) {
        if (buffer_meta(m).messages == 0) {
          BufferPool::release(m);  // it only kept a place
          continue;
        }
        stats_.messages += buffer_meta(m).messages;
        stats_.bytes += message_bytes(buffer_meta(m));
        drop(std::span<rte_mbuf* const>(&m, 1));
      }
    drops_.add(Drop::kTxFull, dropped);
    return dropped;
  }

  [[nodiscard]] const FlusherStats& stats() const noexcept { return stats_; }
  [[nodiscard]] const DropCounters& drops() const noexcept { return drops_; }
  [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_sequence_; }
  /// Frames numbered and stamped, waiting for the sink.
  [[nodiscard]] unsigned pending() const noexcept { return pending_count_; }

 private:
  struct Source {
    Ring* ring;
    FrameOrder* order;  // null: the ring's own order is it
  };

  /// Frames that came in; those that only kept a number's place are among them.
  unsigned fill() noexcept {
    unsigned came = 0;
    for (const auto& order : orders_) came += admit(*order);
    for (std::size_t i = 0; i < rings_.size() && pending_count_ < burst_; ++i) {
      if (turn_ >= rings_.size()) turn_ = 0;
      const Source& source = rings_[turn_++];
      came += source.order == nullptr ? fill_from(*source.ring) : fill_from(source);
    }
    return came;
  }

  unsigned fill_from(Ring& ring) noexcept {
    const unsigned n =
        ring.pop(std::span(pending_.data() + pending_count_, burst_ - pending_count_));
    for (unsigned i = 0; i < n; ++i) stamp(pending_[pending_count_ + i]);
    pending_count_ += n;
    return n;
  }

  unsigned fill_from(const Source& source) noexcept {
    std::array<rte_mbuf*, FrameOrder::kWindow> frames;
    const unsigned n = source.ring->pop(frames);
    for (unsigned i = 0; i < n; ++i) source.order->put(frames[i]);
    admit(*source.order);
    return n;
  }

  /// Takes what is next in order, as far as there is room.
  unsigned admit(FrameOrder& order) noexcept {
    unsigned n = 0;
    while (pending_count_ < burst_) {
      rte_mbuf* m = order.take_next();
      if (m == nullptr) break;
      ++n;
      if (buffer_meta(m).messages == 0) {
        BufferPool::release(m);  // it only gave up its place
      } else {
        stamp(m);
        pending_[pending_count_++] = m;
      }
    }
    return n;
  }

  static std::uint64_t message_bytes(const BufferMeta& meta) noexcept {
    return meta.payload_len - wire::kBlockLengthBytes * meta.messages;
  }

  void stamp(rte_mbuf* m) noexcept {
    const BufferMeta& meta = buffer_meta(m);
    assert(m->data_len == header_.size() + meta.payload_len &&
           "the writer left room for other headers than this flusher's");
    header_.stamp(rte_pktmbuf_mtod(m, std::uint8_t*), meta.payload_len, next_sequence_,
                  meta.messages);
    if (header_.ip_checksum_by() == wire::ChecksumBy::kDevice ||
        header_.udp_checksum_by() == wire::ChecksumBy::kDevice) {
      m->l2_len = header_.l2_size() & 0x7f;  // a bit field of 7 bits
      m->l3_len = wire::kIpv4Bytes;
      m->ol_flags = RTE_MBUF_F_TX_IPV4;
      if (header_.ip_checksum_by() == wire::ChecksumBy::kDevice)
        m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
      if (header_.udp_checksum_by() == wire::ChecksumBy::kDevice)
        m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
    }
    next_sequence_ += meta.messages;
    stats_.messages += meta.messages;
    stats_.bytes += message_bytes(meta);
  }

  unsigned drain() noexcept {
    if (pending_count_ == 0) return 0;
    const unsigned n = sink_.send(std::span(pending_.data(), pending_count_));
    assert(n <= pending_count_);
    std::copy(pending_.begin() + n, pending_.begin() + pending_count_, pending_.begin());
    pending_count_ -= n;
    stats_.frames += n;
    return n;
  }

  Sink& sink_;
  wire::FrameHeader header_;
  unsigned burst_;
  std::uint64_t next_sequence_;
  std::vector<Source> rings_;
  std::vector<std::unique_ptr<FrameOrder>> orders_;
  std::size_t turn_ = 0;
  unsigned pending_count_ = 0;
  std::array<rte_mbuf*, kMaxBurst> pending_;
  FlusherStats stats_;
  DropCounters drops_;
};

}  // namespace bab
