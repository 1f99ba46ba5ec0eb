#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <rte_mbuf.h>

#include <bab/detail/ring_parties.hpp>
#include <bab/detail/writer_checks.hpp>
#include <bab/memory/buffer_meta.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/message/drops_told.hpp>
#include <bab/message/writer_options.hpp>

namespace bab::detail {

/// Notes in a complete frame's mbuf where its bytes are. `order`: its shared writer's; null: the
/// ring's own.
inline void set_bounds(rte_mbuf* m, std::uint16_t header_size, void* order) noexcept {
  BufferMeta& meta = buffer_meta(m);
  meta.order = order;
  m->data_off = RTE_PKTMBUF_HEADROOM;
  m->data_len = static_cast<std::uint16_t>(header_size + meta.payload_len);
  m->pkt_len = m->data_len;
}

/// A writer's end of its ring. The complete frames of a loop turn go in with one operation, and the
/// writer is told once which of them were dropped. On the writer's lcore; after that has stopped,
/// any thread may destroy it.
template <class Ring>
class RingEnd {
 public:
  using State = typename Ring::State;
  /// More frames than a turn fills.
  static constexpr unsigned kBatch = 16;

  RingEnd() noexcept = default;  // it is at no ring
  RingEnd(const RingEnd&) = delete;
  RingEnd& operator=(const RingEnd&) = delete;
  ~RingEnd() {
    if (ring_ != nullptr) ring_->parties().leave(at_ring_);
  }

  /// To be called once. `first`: the position of the writer's first frame, or an earlier one.
  /// `order`: a shared writer's. Throws Error: the ring can't hold all the pool's buffers, belongs
  /// to another flusher, or has writers with other headers or frames.
  void join(Ring& ring, const BufferPool& pool, const WriterOptions& options, std::uint64_t first,
            std::shared_ptr<RingOrder> order = {}) {
    check_ring(ring.capacity(), pool);
    at_ring_ = {options.header_size, options.payload_capacity, std::move(order)};
    ring.state()->parties().join(at_ring_, ring.state()->size() == 0);
    ring_ = ring.state();
    drops_told_.begin(first);
  }

  [[nodiscard]] State& ring() const noexcept { return *ring_; }

  /// Frames here that wait for their hand-over.
  [[nodiscard]] unsigned size() const noexcept { return size_; }
  [[nodiscard]] bool has_room() const noexcept { return size_ < kBatch; }
  void add(rte_mbuf* m) noexcept { batch_[size_++] = m; }

  /// Hands over as many as the ring takes, in order, and returns how many.
  unsigned hand_over() noexcept {
    const unsigned n = ring_->push(std::span(batch_.data(), size_));
    std::copy(batch_.begin() + n, batch_.begin() + size_, batch_.begin());
    size_ -= n;
    return n;
  }
  /// At the writer's end: frames for which a full ring has no room stay with the ring.
  void leave_behind() noexcept { ring_->leave(std::span(batch_.data(), std::exchange(size_, 0U))); }

  /// Whether a frame before `until` was dropped without `task` being told. All before `until` are
  /// gone.
  template <class Progress>
  [[nodiscard]] bool has_dropped(const Progress& progress, std::uint64_t until,
                                 TaskNotes* task) noexcept {
    return drops_told_.tell(progress, until, task);
  }

 private:
  std::shared_ptr<State> ring_;
  std::array<rte_mbuf*, kBatch> batch_;
  unsigned size_ = 0;
  DropsTold drops_told_;
  RingWriter at_ring_;
};

}  // namespace bab::detail
