#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <rte_mbuf.h>

#include <bab/base/atom.hpp>
#include <bab/base/drops.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/message/frame_order.hpp>
#include <bab/message/frame_ring.hpp>
#include <bab/message/frame_sink.hpp>
#include <bab/wire/frame_header.hpp>

namespace bab {

struct FlusherStats {
  std::uint64_t frames = 0;            ///< taken by the sink
  std::uint64_t messages = 0;          ///< numbered; dropped ones are a gap that receivers see
  std::uint64_t bytes = 0;             ///< of those messages, without their length prefixes
  std::uint64_t dropped_messages = 0;  ///< in frames that drop_pending() dropped
  std::uint64_t dropped_bytes = 0;     ///< of those messages
};

/// What of one writer a flusher numbered. Those that drop_pending() dropped are among them.
struct FlushedWriter {
  static constexpr std::uint32_t kOthers = 0xffffffff;

  std::uint32_t id;  ///< WriterOptions::writer_id; kOthers: all that found no place of their own
  std::uint64_t frames = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;             ///< of messages, without their length prefixes
  std::uint64_t dropped_messages = 0;  ///< of those messages
};

/// One session's way out: takes complete frames from writers' rings, numbers their messages, writes the
/// headers in place and gives them to the sink in bursts. What the sink doesn't take stays, in order, so
/// that back-pressure reaches the writers as an empty pool and never as silent loss.
///
/// All calls on one lcore. One session = one flusher = one TX queue.
template <FrameSink Sink, class Atom = RealAtom>
class WriteFlusher {
 public:
  using Ring = BasicFrameRing<Atom>;
  static constexpr unsigned kMaxBurst = 512;
  /// Writer ids that are counted apart.
  static constexpr std::size_t kMostWriters = 256;

  /// `burst`: frames per sink call, 1 … kMaxBurst.
  WriteFlusher(Sink& sink, const wire::FrameHeader& header, unsigned burst = 32,
               std::uint64_t first_sequence = wire::kMoldFirstSequence)
      : sink_(sink),
        header_(header),
        burst_(std::clamp(burst, 1U, kMaxBurst)),
        next_sequence_(first_sequence),
        origins_(burst_) {
    writers_.reserve(kMostWriters + 1);
  }
  WriteFlusher(const WriteFlusher&) = delete;
  WriteFlusher& operator=(const WriteFlusher&) = delete;
  ~WriteFlusher() { drop_pending(); }

  /// Before the first poll(). Rings are served in turn; each one's order is kept. Their writers'
  /// header_size must be this flusher's header's; a ring must outlive the flusher.
  void add(Ring& ring) {
    ring.follow(ring);  // it may have been of a shared writer before
    ring.progress().gone.store(ring.popped(), std::memory_order_release);
    rings_.push_back({&ring, nullptr, {&ring.progress()}});
  }

  /// The rings of all Producers of one shared writer, whose frames are brought back into its order here.
  void add_shared(std::span<Ring* const> rings) {
    if (rings.empty()) return;
    rings.front()->follow(*rings.front());
    rings.front()->progress().gone.store(0, std::memory_order_release);
    orders_.push_back(std::make_unique<Order>(Order{{}, {&rings.front()->progress()}}));
    for (Ring* ring : rings) {
      ring->follow(*rings.front());
      rings_.push_back({ring, orders_.back().get(), {}});
    }
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
    const unsigned went = drain();
    if constexpr (requires { sink_.keep_near(); })
      if (came + went + pending_count_ == 0) sink_.keep_near();
    return came + went;
  }

  /// True when no frame is pending here or in a ring.
  [[nodiscard]] bool idle() const noexcept {
    return pending_count_ == 0 &&
           std::all_of(rings_.begin(), rings_.end(),
                       [](const Source& s) { return s.ring->size() == 0; }) &&
           std::all_of(orders_.begin(), orders_.end(),
                       [](const auto& o) { return o->frames.empty(); });
  }

  /// Frees what the sink would not take, counted as Drop::kTxFull. Returns frames. A shared writer's frame that
  /// is not complete by then is dropped when it comes, if frames behind it are dropped now.
  unsigned drop_pending() noexcept {
    unsigned dropped = 0;
    do {
      for (unsigned i = 0; i < pending_count_; ++i) drop(pending_[i], origins_[i]);
      dropped += std::exchange(pending_count_, 0U);
    } while (fill() > 0);
    // What still waits for a frame that never came is numbered now: receivers see the gap.
    for (const auto& order : orders_)
      while (rte_mbuf* m = order->frames.take_any()) {
        const Origin origin{order->way.progress, buffer_meta(m).number + 1};
        if (buffer_meta(m).messages == 0) {
          BufferPool::release(m);  // it only kept a place; but one before it is given up
          count_drop(*origin.progress);
          gone(origin);
          continue;
        }
        count(m, order->way);
        next_sequence_ += buffer_meta(m).messages;
        drop(m, origin);
        ++dropped;
      }
    drops_.add(Drop::kTxFull, dropped);
    return dropped;
  }

  [[nodiscard]] const FlusherStats& stats() const noexcept { return stats_; }
  [[nodiscard]] const DropCounters& drops() const noexcept { return drops_; }
  /// The writers whose frames came, in the order in which they first did. On the flusher's lcore, or after it.
  [[nodiscard]] std::span<const FlushedWriter> writers() const noexcept { return writers_; }
  [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_sequence_; }
  /// Frames numbered and stamped, waiting for the sink.
  [[nodiscard]] unsigned pending() const noexcept { return pending_count_; }

 private:
  using Progress = typename Ring::Progress;

  /// What frames of one ring, or of one shared writer, have in common.
  struct Way {
    Progress* progress = nullptr;
    std::size_t writer = 0;  // whose the last one was: an index of writers_
  };
  struct Order {
    FrameOrder frames;
    Way way;
  };
  struct Source {
    Ring* ring;
    Order* order;  // null: the ring's own order is it
    Way way;
  };
  /// Where progress stands when a pending frame is gone.
  struct Origin {
    Progress* progress;
    std::uint64_t until;
  };

  /// Frames that came in; those that only kept a number's place are among them.
  unsigned fill() noexcept {
    unsigned came = 0;
    for (const auto& order : orders_) came += admit(*order);
    for (std::size_t i = 0; i < rings_.size() && pending_count_ < burst_; ++i) {
      if (turn_ >= rings_.size()) turn_ = 0;
      Source& source = rings_[turn_++];
      came += source.order == nullptr ? fill_from(source) : fill_order_from(source);
    }
    return came;
  }

  unsigned fill_from(Source& source) noexcept {
    std::uint64_t position = source.ring->popped();
    const unsigned n =
        source.ring->pop(std::span(pending_.data() + pending_count_, burst_ - pending_count_));
    for (unsigned i = 0; i < n; ++i) pend(pending_[pending_count_], source.way, ++position);
    return n;
  }

  unsigned fill_order_from(const Source& source) noexcept {
    std::array<rte_mbuf*, FrameOrder::kWindow> frames;
    const unsigned n = source.ring->pop(frames);
    for (unsigned i = 0; i < n; ++i)
      if (!source.order->frames.put(frames[i])) [[unlikely]]
        drop_late(frames[i], *source.order);
    admit(*source.order);
    return n;
  }

  /// Takes what is next in order, as far as there is room.
  unsigned admit(Order& order) noexcept {
    unsigned n = 0;
    while (pending_count_ < burst_) {
      rte_mbuf* m = order.frames.take_next();
      if (m == nullptr) break;
      ++n;
      const std::uint64_t until = buffer_meta(m).number + 1;
      if (buffer_meta(m).messages == 0) {
        BufferPool::release(m);  // it only gave up its place
        gone_behind({order.way.progress, until});
      } else {
        pend(m, order.way, until);
      }
    }
    return n;
  }

  void pend(rte_mbuf* m, Way& way, std::uint64_t until) noexcept {
    stamp(m, way);
    pending_[pending_count_] = m;
    origins_[pending_count_++] = {way.progress, until};
  }

  /// Release pairs with has_flushed()'s acquire: who waits sees what was done with the frame.
  static void gone(const Origin& origin) noexcept {
    origin.progress->gone.store(origin.until, std::memory_order_release);
  }
  /// A frame that is not sent is gone when those of its writer before it are.
  void gone_behind(const Origin& origin) noexcept {
    for (unsigned i = pending_count_; i > 0; --i)
      if (origins_[i - 1].progress == origin.progress) {
        origins_[i - 1].until = origin.until;
        return;
      }
    gone(origin);
  }

  void drop(rte_mbuf* m, const Origin& origin) noexcept {
    drop(m, *origin.progress);
    gone(origin);
  }
  void drop(rte_mbuf* m, Progress& progress) noexcept {
    const BufferMeta& meta = buffer_meta(m);
    stats_.dropped_messages += meta.messages;
    stats_.dropped_bytes += message_bytes(meta);
    Way way;
    writer(way, meta.writer_id).dropped_messages += meta.messages;
    BufferPool::release(m);
    count_drop(progress);
  }
  /// Before the place is gone. Only this lcore writes it.
  static void count_drop(Progress& progress) noexcept {
    progress.dropped.store(progress.dropped.load(std::memory_order_relaxed) + 1,
                           std::memory_order_relaxed);
  }
  /// A frame that was not complete when drop_pending() gave up those behind it. It is numbered for the gap.
  void drop_late(rte_mbuf* m, Order& order) noexcept {
    if (buffer_meta(m).messages == 0) return BufferPool::release(m);
    count(m, order.way);
    next_sequence_ += buffer_meta(m).messages;
    drop(m, *order.way.progress);
    drops_.add(Drop::kTxFull, 1);
  }

  /// A ring has one writer, or few: the last one is mostly the next.
  FlushedWriter& writer(Way& way, std::uint32_t id) noexcept {
    if (way.writer < writers_.size() && writers_[way.writer].id == id) [[likely]]
      return writers_[way.writer];
    return other_writer(way, id);
  }
  FlushedWriter& other_writer(Way& way, std::uint32_t id) noexcept {
    const auto find = [this](std::uint32_t wanted) {
      return std::find_if(writers_.begin(), writers_.end(),
                          [wanted](const FlushedWriter& w) { return w.id == wanted; });
    };
    auto at = find(id);
    if (at == writers_.end() && writers_.size() >= kMostWriters)
      at = find(id = FlushedWriter::kOthers);
    if (at == writers_.end())
      at = writers_.insert(at, FlushedWriter{id});  // within what was reserved
    way.writer = static_cast<std::size_t>(at - writers_.begin());
    return *at;
  }

  void count(rte_mbuf* m, Way& way) noexcept {
    const BufferMeta& meta = buffer_meta(m);
    const std::uint64_t bytes = message_bytes(meta);
    stats_.messages += meta.messages;
    stats_.bytes += bytes;
    FlushedWriter& w = writer(way, meta.writer_id);
    ++w.frames;
    w.messages += meta.messages;
    w.bytes += bytes;
  }

  static std::uint64_t message_bytes(const BufferMeta& meta) noexcept {
    return meta.payload_len - wire::kBlockLengthBytes * meta.messages;
  }

  void stamp(rte_mbuf* m, Way& way) noexcept {
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
    count(m, way);
  }

  unsigned drain() noexcept {
    if (pending_count_ == 0) return 0;
    const unsigned n = detail::offer(sink_, std::span(pending_.data(), pending_count_));
    assert(n <= pending_count_);
    for (unsigned i = 0; i < n; ++i) gone(origins_[i]);
    std::copy(pending_.begin() + n, pending_.begin() + pending_count_, pending_.begin());
    std::copy(origins_.begin() + n, origins_.begin() + pending_count_, origins_.begin());
    pending_count_ -= n;
    stats_.frames += n;
    return n;
  }

  Sink& sink_;
  wire::FrameHeader header_;
  unsigned burst_;
  std::uint64_t next_sequence_;
  std::vector<Source> rings_;
  std::vector<std::unique_ptr<Order>> orders_;
  std::size_t turn_ = 0;
  unsigned pending_count_ = 0;
  std::array<rte_mbuf*, kMaxBurst> pending_;
  std::vector<Origin> origins_;  // of those
  std::vector<FlushedWriter> writers_;
  FlusherStats stats_;
  DropCounters drops_;
};

}  // namespace bab
