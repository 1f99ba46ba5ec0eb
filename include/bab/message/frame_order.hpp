#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <rte_common.h>
#include <rte_mbuf.h>

#include <bab/base/atom.hpp>
#include <bab/detail/ring_parties.hpp>
#include <bab/memory/buffer_meta.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/message/flush_progress.hpp>

namespace bab {

/// Brings one shared writer's frames back into their order; they come through the rings of several
/// lcores. The order belongs to the writer, not to a flusher, so that flushers may come and go: it
/// knows which frames are gone, and keeps frames that wait for an earlier one. A frame's BufferMeta
/// points at its order. The writer's rings share ownership of the order until all frames have come.
///
/// On the flusher's lcore, except close() and orphan(). A writer has at most 16 unfinished frames
/// at a time, but finished frames pile up in a ring that is not polled. The window is therefore
/// larger than 16, and frames beyond it wait in a list.
template <class Atom = RealAtom>
class BasicFrameOrder final : public detail::RingOrder {
 public:
  static constexpr std::uint64_t kWindow = 64;
  using Progress = FlushProgress<Atom>;

  BasicFrameOrder() noexcept = default;
  /// Frames that are still here return to their pools unsent.
  ~BasicFrameOrder() override {
    release_list(take_orphans());
    for (rte_mbuf* m : window_)
      if (m != nullptr) BufferPool::release(m);
    release_list(far_);
  }

  /// Called by the writer at its end: it made `frames` frames in all. R48: pairs with A48.
  void close(std::uint64_t frames) noexcept { frames_.store(frames, std::memory_order_release); }

  /// Adds a frame whose ring was destroyed. Any thread.
  void orphan(rte_mbuf* m) noexcept {
    rte_mbuf* head = orphans_.load(std::memory_order_relaxed);
    do buffer_meta(m).next = head;
    // R49: pairs with A49: the frame and its `next` are seen.
    while (!orphans_.compare_exchange_weak(head, m, std::memory_order_release,
                                           std::memory_order_relaxed));
  }

  /// Adds a frame that came. Its place is BufferMeta::number. False: take_any() has given this
  /// place up, and the frame stays the caller's.
  [[nodiscard]] bool put(rte_mbuf* m) noexcept {
    BufferMeta& meta = buffer_meta(m);
    // R50: pairs with A50: looked_after_ is seen, and everything that was done here.
    came_.store(came_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    if (meta.number < next_) [[unlikely]]
      return false;
    if (meta.number - next_ < kWindow && place(meta.number) == nullptr) {
      place(meta.number) = m;
    } else {
      meta.next = far_;
      far_ = m;
    }
    ++count_;
    return true;
  }

  /// The next frame in order; null: it has not come.
  rte_mbuf* take_next() noexcept {
    rte_mbuf* m = std::exchange(place(next_), nullptr);
    if (m == nullptr && far_ != nullptr) {
      bring_near();
      m = std::exchange(place(next_), nullptr);
    }
    if (m == nullptr) return nullptr;
    ++next_;
    --count_;
    return m;
  }

  /// For giving up: the next frame that is here, in order. Places before it whose frames have not
  /// come are given up. Null: no frame is here.
  rte_mbuf* take_any() noexcept {
    while (count_ > 0) {
      if (rte_mbuf* m = take_next()) return m;
      ++next_;  // gives up a place whose frame has not come
    }
    return nullptr;
  }

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// Number of the frame that is next.
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }

  /// Whether frames of destroyed rings wait for take_orphans().
  [[nodiscard]] bool has_orphans() const noexcept {
    return orphans_.load(std::memory_order_relaxed) != nullptr;
  }
  /// Puts the frames of destroyed rings in their places. Returns those whose places were given up,
  /// linked by `next`.
  rte_mbuf* take_orphans() noexcept {
    // A49: pairs with R49.
    rte_mbuf* m = orphans_.exchange(nullptr, std::memory_order_acquire);
    rte_mbuf* late = nullptr;
    while (m != nullptr) {
      rte_mbuf* const each = std::exchange(m, buffer_meta(m).next);
      if (put(each)) continue;
      buffer_meta(each).next = late;
      late = each;
    }
    return late;
  }

  [[nodiscard]] Progress& progress() noexcept { return progress_; }

  // The flusher's list of the orders that it looks after.
  [[nodiscard]] bool is_of(const void* flusher) const noexcept { return flusher_ == flusher; }
  void look_after(const void* flusher, BasicFrameOrder* next) noexcept {
    flusher_ = flusher;
    next_order = next;
    // Before put() counts the frame: R50 publishes it.
    looked_after_.store(true, std::memory_order_relaxed);
  }
  /// The flusher looks after this order no longer, and touches nothing here afterwards.
  void let_go() noexcept {
    flusher_ = nullptr;
    // R51: pairs with A51.
    looked_after_.store(false, std::memory_order_release);
  }
  /// The writer has ended, and all its frames came and are gone.
  [[nodiscard]] bool is_through() const noexcept {
    return count_ == 0 &&
           // A48: pairs with R48.
           frames_.load(std::memory_order_acquire) == came_.load(std::memory_order_relaxed) &&
           progress_.gone() >= next_;
  }
  BasicFrameOrder* next_order = nullptr;
  std::size_t last_writer = 0;  // an index of the flusher's counters

 private:
  static constexpr std::uint64_t kOpen = ~std::uint64_t{0};

  [[nodiscard]] bool is_over() const noexcept override {
    // A48, A50, A51: pair with R48, R50 and R51: afterwards no lcore uses this order.
    return frames_.load(std::memory_order_acquire) == came_.load(std::memory_order_acquire) &&
           !looked_after_.load(std::memory_order_acquire);
  }
  [[nodiscard]] bool holds_frames() const noexcept override { return !empty() || has_orphans(); }

  static void release_list(rte_mbuf* m) noexcept {
    while (m != nullptr) BufferPool::release(std::exchange(m, buffer_meta(m).next));
  }

  rte_mbuf*& place(std::uint64_t number) noexcept { return window_[number % kWindow]; }

  void bring_near() noexcept {
    rte_mbuf* rest = std::exchange(far_, nullptr);
    while (rest != nullptr) {
      rte_mbuf* m = rest;
      BufferMeta& meta = buffer_meta(m);
      rest = meta.next;
      if (meta.number - next_ < kWindow) {
        place(meta.number) = m;
      } else {
        meta.next = far_;
        far_ = m;
      }
    }
  }

  std::array<rte_mbuf*, kWindow> window_{};
  rte_mbuf* far_ = nullptr;
  std::uint64_t next_ = 0;
  std::uint64_t count_ = 0;
  const void* flusher_ = nullptr;
  // Not Atom's, and neither are the two atomics at the end: the explorer does not model how long
  // the order is kept.
  std::atomic<std::uint64_t> came_{0};
  std::atomic<bool> looked_after_{false};
  // For other lcores: those that wait, and the writer's.
  alignas(RTE_CACHE_LINE_SIZE) Progress progress_;
  alignas(RTE_CACHE_LINE_SIZE) std::atomic<std::uint64_t> frames_{kOpen};
  std::atomic<rte_mbuf*> orphans_{nullptr};
};

}  // namespace bab
