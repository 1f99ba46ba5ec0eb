#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <rte_mbuf.h>

#include <bab/base/atom.hpp>
#include <bab/base/drops.hpp>
#include <bab/detail/check.hpp>
#include <bab/detail/ring_parties.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/message/frame_order.hpp>
#include <bab/message/frame_ring.hpp>
#include <bab/message/frame_sink.hpp>
#include <bab/message/offer_pace.hpp>
#include <bab/wire/frame_header.hpp>

namespace bab {

struct FlusherStats {
  std::uint64_t frames = 0;            ///< taken by the sink
  std::uint64_t messages = 0;          ///< numbered; receivers see dropped ones as a gap
  std::uint64_t bytes = 0;             ///< of these messages, without their length prefixes
  std::uint64_t dropped_messages = 0;  ///< in frames that drop_pending() dropped
  std::uint64_t dropped_bytes = 0;     ///< of those messages
};

/// Counts of what a flusher numbered for one writer, including messages that drop_pending()
/// dropped.
struct FlushedWriter {
  static constexpr std::uint32_t kOthers = 0xffffffff;

  std::uint32_t id;  ///< WriterOptions::writer_id; kOthers: all writers after the first kMaxWriters
  std::uint64_t frames = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;             ///< of messages, without their length prefixes
  std::uint64_t dropped_messages = 0;  ///< of those messages
};

/// Sends one session: takes complete frames from writers' rings, numbers their messages, writes the
/// headers in place and gives the frames to the sink in bursts. Frames that the sink doesn't take
/// stay here, in order: back-pressure reaches the writers as an empty pool, never as silent loss.
///
/// All calls on one lcore. One session = one flusher = one TX queue. The flusher, its rings and
/// their writers may be destroyed in any order, and replaced one by one.
template <FrameSink Sink, class Atom = RealAtom>
class WriteFlusher final : detail::FrameTaker {
 public:
  using Ring = BasicFrameRing<Atom>;
  static constexpr unsigned kMaxBurst = 512;
  /// Writer ids that are counted one by one.
  static constexpr std::size_t kMaxWriters = 256;

  /// `burst`: frames per sink call; a value outside 1 … kMaxBurst becomes the nearest one inside.
  /// `first_sequence`: the sequence number of the first message. On any thread, before the lcore
  /// polls.
  WriteFlusher(Sink& sink, const wire::FrameHeader& header, unsigned burst = 32,
               std::uint64_t first_sequence = wire::kMoldFirstSequence)
      : FrameTaker(header.size()),
        sink_(sink),
        header_(header),
        burst_(std::clamp(burst, 1U, kMaxBurst)),
        next_sequence_(first_sequence),
        origins_(burst_) {
    writers_.reserve(kMaxWriters + 1);
  }
  WriteFlusher(const WriteFlusher&) = delete;
  WriteFlusher& operator=(const WriteFlusher&) = delete;
  /// Drops the frames that came, as drop_pending() does. Frames that wait for an incomplete frame
  /// stay for the next flusher of the writer's rings. Rings, writers and the sink may be destroyed
  /// before. The sink must not destroy its flusher.
  ~WriteFlusher() {
    BAB_ASSERT(!in_sink_ && "a sink destroyed its own flusher");
    drop_what_came();
    while (orders_ != nullptr) std::exchange(orders_, orders_->next_order)->let_go();
    for (const Source& source : rings_) source.ring->parties().let_go();
  }

  /// Between polls: from now on, this flusher takes the frames of `ring`. Rings are served in turn.
  /// Each ring's order is kept, and a shared writer's frames are brought back into its order,
  /// whichever rings they come by. A ring that this flusher has already stays as it is. The ring's
  /// writers may come and go. Throws Error:
  ///
  /// - the ring has another flusher;
  /// - a shared writer of the ring has another flusher by its other rings, or had one there, even
  ///   if its Producers there are gone: a shared writer stays with a flusher until the flusher is
  ///   destroyed;
  /// - a writer's header_size is not the size of this flusher's header, or its payload_capacity is
  ///   more than the sink takes. (The sink's mtu() is asked here, and never later.)
  void add(Ring& ring) {
    State& state = *ring.state();
    rings_.reserve(rings_.size() + 1);  // so that nothing fails after take()
    if constexpr (LimitedSink<Sink>)
      set_most_payload(wire::FrameHeader::payload_capacity(sink_.mtu()));
    if (!state.parties().take(*this, state.size() == 0)) return;
    rings_.push_back(Source{ring.state()});
    if (state.progress().gone() < state.popped()) state.progress().gone_until(state.popped());
  }

  /// add() for the rings of all Producers of a shared writer. If one throws, the rings before it
  /// stay added.
  void add_shared(std::span<Ring* const> rings) {
    for (Ring* ring : rings) add(*ring);
  }

  /// Begins another session, with `header` from now on. Throws Error when frames of the old session
  /// are under way (idle() is false), or when a writer of one of its rings leaves room for headers
  /// of another size: destroy that writer first.
  void begin_session(const wire::FrameHeader& header,
                     std::uint64_t first_sequence = wire::kMoldFirstSequence) {
    if (!idle()) detail::throw_frames_under_way();
    if (header.size() != header_.size())
      for (const Source& source : rings_)
        source.ring->parties().check(header.size(), most_payload());
    set_header_size(header.size());
    header_ = header;
    next_sequence_ = first_sequence;
  }

  /// One turn: takes at most one burst of frames in, and offers one burst to the sink. Returns
  /// frames that came in plus frames that went out. Does nothing and returns 0 when the sink calls
  /// it. `now_tsc`: the time that an Lcore gives its pollers. With a time, a full sink that has a
  /// capacity() is asked at a pace (OfferPace); with 0, in every turn.
  unsigned poll(std::uint64_t now_tsc = 0) noexcept {
    if (in_sink_) [[unlikely]]
      return 0;
    const unsigned came = fill();
    const unsigned went = drain(now_tsc);
    if constexpr (NearSink<Sink>)
      if (came + went + pending_count_ == 0) sink_.keep_near();
    return came + went;
  }

  /// True when no frame waits here or in a ring.
  [[nodiscard]] bool idle() const noexcept {
    if (pending_count_ > 0) return false;
    for (const Order* order = orders_; order != nullptr; order = order->next_order)
      if (!order->empty() || order->has_orphans()) return false;
    return std::all_of(rings_.begin(), rings_.end(),
                       [](const Source& s) { return s.ring->size() == 0; });
  }

  /// Frees the frames that the sink did not take; each counts as Drop::kTxFull. Returns how many. A
  /// shared writer's incomplete frame is dropped when it comes, if frames behind it are dropped
  /// now. Does nothing and returns 0 when the sink calls it.
  unsigned drop_pending() noexcept {
    if (in_sink_) [[unlikely]]
      return 0;
    unsigned dropped = drop_what_came();
    // Frames that still wait for a missing frame are numbered now: receivers see the gap.
    for (Order* order = orders_; order != nullptr; order = order->next_order)
      while (true) {
        const std::uint64_t begin = order->next();
        rte_mbuf* m = order->take_any();
        if (m == nullptr) break;
        // For this frame and the missing ones before it. It may be an empty frame, which only held
        // a place.
        const Origin origin{&order->progress(), order->next()};
        order->progress().gave_up(order->next() - begin - 1);
        if (buffer_meta(m).messages == 0) {
          BufferPool::release(m);
          dropped_at(origin);
          continue;
        }
        count(m, order->last_writer);
        next_sequence_ += buffer_meta(m).messages;
        drop(m, origin);
        ++dropped;
        drops_.add(Drop::kTxFull);
      }
    return dropped;
  }

  [[nodiscard]] const FlusherStats& stats() const noexcept { return stats_; }
  [[nodiscard]] const DropCounters& drops() const noexcept { return drops_; }
  /// The writers whose frames came, in the order of their first frames. On the flusher's lcore, or
  /// when that has stopped.
  [[nodiscard]] std::span<const FlushedWriter> writers() const noexcept { return writers_; }
  [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_sequence_; }
  /// Frames that are numbered and stamped, and wait for the sink.
  [[nodiscard]] unsigned pending() const noexcept { return pending_count_; }

 private:
  using State = typename Ring::State;
  using Progress = typename Ring::Progress;
  using Order = BasicFrameOrder<Atom>;

  struct Source {
    std::shared_ptr<State> ring;
    std::size_t writer = 0;  // the last frame's writer: an index of writers_
  };
  /// A pending frame's progress, and where that stands when the frame is gone.
  struct Origin {
    Progress* progress;
    std::uint64_t until;
  };

  void look_after(detail::RingOrder& order) noexcept override {
    look_after(static_cast<Order&>(order));
  }

  /// Returns frames that came in, with empty ones that only hold a place in the order.
  unsigned fill() noexcept {
    unsigned came = 0;
    for (Order* order = orders_; order != nullptr; order = order->next_order) came += admit(*order);
    for (std::size_t i = 0; i < rings_.size() && pending_count_ < burst_; ++i) {
      if (turn_ >= rings_.size()) turn_ = 0;
      came += fill_from(rings_[turn_++]);
    }
    return came;
  }

  unsigned fill_from(Source& source) noexcept {
    std::array<rte_mbuf*, 64> frames;
    unsigned came = 0;
    while (true) {
      std::uint64_t position = source.ring->popped();
      const unsigned n = source.ring->pop(
          std::span(frames).first(std::min<std::size_t>(frames.size(), burst_ - pending_count_)));
      for (unsigned i = 0; i < n; ++i, ++position) {
        rte_mbuf* const m = frames[i];
        if (void* order = buffer_meta(m).order)
          put_in_order(m, *static_cast<Order*>(order), n - i - 1);
        else  // its order is that of the ring
          pend(m, source.writer, {&source.ring->progress(), position + 1});
      }
      came += n;
      if (n < frames.size() || pending_count_ >= burst_) return came;
    }
  }

  /// `behind`: frames of the same burst that came after `m` and need room.
  void put_in_order(rte_mbuf* m, Order& order, unsigned behind) noexcept {
    look_after(order);
    if (!order.put(m)) [[unlikely]]
      drop_late(m, order);
    admit(order, behind);
  }

  /// Takes the frames that are next in order as long as there is room, and leaves room for
  /// `left_room` frames.
  unsigned admit(Order& order, unsigned left_room = 0) noexcept {
    unsigned n = 0;
    if (order.has_orphans()) [[unlikely]]
      for (rte_mbuf* m = order.take_orphans(); m != nullptr;)
        drop_late(std::exchange(m, buffer_meta(m).next), order);
    while (pending_count_ + left_room < burst_) {
      rte_mbuf* m = order.take_next();
      if (m == nullptr) break;
      ++n;
      const Origin origin{&order.progress(), buffer_meta(m).number + 1};
      if (buffer_meta(m).messages == 0) {
        BufferPool::release(m);  // empty: it only held a place in the order
        gone_behind(origin);
      } else {
        pend(m, order.last_writer, origin);
      }
    }
    return n;
  }

  /// Adds `order` to orders_, and removes orders whose frames all came and are gone.
  void look_after(Order& order) noexcept {
    if (order.is_of(this)) [[likely]]
      return;
    for (Order** at = &orders_; *at != nullptr;) {
      Order* const each = *at;
      if (each->is_through()) {
        *at = each->next_order;
        each->let_go();
      } else {
        at = &each->next_order;
      }
    }
    order.look_after(this, orders_);
    orders_ = &order;
  }

  void pend(rte_mbuf* m, std::size_t& last_writer, const Origin& origin) noexcept {
    stamp(m, last_writer);
    pending_[pending_count_] = m;
    origins_[pending_count_++] = origin;
  }

  /// Lcores that wait see that the frame is gone.
  static void gone(const Origin& origin) noexcept { origin.progress->gone_until(origin.until); }
  /// A frame that is not sent is gone when the frames of its writer before it are.
  void gone_behind(const Origin& origin) noexcept {
    for (unsigned i = pending_count_; i > 0; --i)
      if (origins_[i - 1].progress == origin.progress) {
        origins_[i - 1].until = origin.until;
        return;
      }
    gone(origin);
  }
  static void dropped_at(const Origin& origin) noexcept {
    origin.progress->dropped(origin.until);
    gone(origin);
  }

  /// Drops the pending frames, and all frames in rings and orders for which nothing is missing.
  unsigned drop_what_came() noexcept {
    unsigned dropped = 0;
    do {
      for (unsigned i = 0; i < pending_count_; ++i) drop(pending_[i], origins_[i]);
      dropped += std::exchange(pending_count_, 0U);
    } while (fill() > 0);
    drops_.add(Drop::kTxFull, dropped);
    return dropped;
  }
  void drop(rte_mbuf* m, const Origin& origin) noexcept {
    drop(m);
    dropped_at(origin);
  }
  void drop(rte_mbuf* m) noexcept {
    const BufferMeta& meta = buffer_meta(m);
    stats_.dropped_messages += meta.messages;
    stats_.dropped_bytes += message_bytes(meta);
    std::size_t last_writer = 0;
    writer(last_writer, meta.writer_id).dropped_messages += meta.messages;
    BufferPool::release(m);
  }
  /// Drops a frame that came after drop_pending() gave up its place. Numbering it makes the gap
  /// that receivers see.
  void drop_late(rte_mbuf* m, Order& order) noexcept {
    order.progress().came_late();
    if (buffer_meta(m).messages == 0) return BufferPool::release(m);
    count(m, order.last_writer);
    next_sequence_ += buffer_meta(m).messages;
    drop(m);
    drops_.add(Drop::kTxFull, 1);
  }

  /// A ring has one writer or a few: mostly the next frame is of the same writer as the last one.
  [[gnu::always_inline]] FlushedWriter& writer(std::size_t& last, std::uint32_t id) noexcept {
    if (last < writers_.size() && writers_[last].id == id) [[likely]]
      return writers_[last];
    return other_writer(last, id);
  }
  [[gnu::noinline]] FlushedWriter& other_writer(std::size_t& last, std::uint32_t id) noexcept {
    const auto find = [this](std::uint32_t wanted) {
      return std::find_if(writers_.begin(), writers_.end(),
                          [wanted](const FlushedWriter& w) { return w.id == wanted; });
    };
    auto at = find(id);
    if (at == writers_.end() && writers_.size() >= kMaxWriters)
      at = find(id = FlushedWriter::kOthers);
    if (at == writers_.end())
      at = writers_.insert(at, FlushedWriter{id});  // no allocation: the constructor reserved
    last = static_cast<std::size_t>(at - writers_.begin());
    return *at;
  }

  [[gnu::always_inline]] void count(rte_mbuf* m, std::size_t& last_writer) noexcept {
    const BufferMeta& meta = buffer_meta(m);
    const std::uint64_t bytes = message_bytes(meta);
    stats_.messages += meta.messages;
    stats_.bytes += bytes;
    FlushedWriter& w = writer(last_writer, meta.writer_id);
    ++w.frames;
    w.messages += meta.messages;
    w.bytes += bytes;
  }

  static std::uint64_t message_bytes(const BufferMeta& meta) noexcept {
    return meta.payload_len - wire::kBlockLengthBytes * meta.messages;
  }

  void stamp(rte_mbuf* m, std::size_t& last_writer) noexcept {
    const BufferMeta& meta = buffer_meta(m);
    header_.stamp(m, meta.payload_len, next_sequence_, meta.messages);
    next_sequence_ += meta.messages;
    count(m, last_writer);
  }

  unsigned drain(std::uint64_t now_tsc) noexcept {
    if (pending_count_ == 0 || pace_.early(now_tsc)) return 0;
    in_sink_ = true;
    const unsigned n = detail::offer(sink_, std::span(pending_.data(), pending_count_));
    in_sink_ = false;
    BAB_ASSERT(n <= pending_count_);
    if constexpr (BoundedSink<Sink>) pace_.offered(pending_count_, n, sink_.capacity(), now_tsc);
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
  Order* orders_ = nullptr;  // list of the orders whose frames came
  std::size_t turn_ = 0;
  bool in_sink_ = false;
  OfferPace pace_;
  unsigned pending_count_ = 0;
  std::array<rte_mbuf*, kMaxBurst> pending_;
  std::vector<Origin> origins_;  // of pending_
  std::vector<FlushedWriter> writers_;
  FlusherStats stats_;
  DropCounters drops_;
};

}  // namespace bab
