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

/// Brings one shared writer's frames, which come by several lcores' rings, back into their order.
/// It is the writer's, so that flushers may come and go: what has gone is known here, and what
/// waits for an earlier frame stays. A frame's BufferMeta says whose order it has; whoever keeps
/// the rings keeps it until all of them came.
///
/// On the flusher's lcore, but for close() and orphan(). A writer has at most 16 frames unfinished
/// at a time, but finished ones pile up in a ring that isn't looked at; so the window is larger,
/// and the rest waits in a list.
template <class Atom = RealAtom>
class BasicFrameOrder final : public detail::RingOrder {
 public:
  static constexpr std::uint64_t kWindow = 64;
  using Progress = FlushProgress<Atom>;

  BasicFrameOrder() noexcept = default;
  /// Frames that nobody will ask for go back unsent.
  ~BasicFrameOrder() override {
    release_list(take_orphans());
    for (rte_mbuf* m : window_)
      if (m != nullptr) BufferPool::release(m);
    release_list(far_);
  }

  /// The writer, at its end: there were `frames` in all. Release pairs with is_closed()'s acquire.
  void close(std::uint64_t frames) noexcept { frames_.store(frames, std::memory_order_release); }

  /// A frame whose ring has gone: it comes all the same. Any thread; release pairs with
  /// take_orphans().
  void orphan(rte_mbuf* m) noexcept {
    rte_mbuf* head = orphans_.load(std::memory_order_relaxed);
    do buffer_meta(m).next = head;
    while (!orphans_.compare_exchange_weak(head, m, std::memory_order_release,
                                           std::memory_order_relaxed));
  }

  /// A frame that came; its buffer's `number` says where it belongs. False, and the frame stays the
  /// caller's: take_any() has given its place up.
  [[nodiscard]] bool put(rte_mbuf* m) noexcept {
    BufferMeta& meta = buffer_meta(m);
    // Release pairs with is_over()'s acquire.
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

  /// The next one in order, or null when it hasn't come.
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

  /// Any one at all, in order as far as they came; for giving up. Null: empty.
  rte_mbuf* take_any() noexcept {
    while (count_ > 0) {
      if (rte_mbuf* m = take_next()) return m;
      ++next_;  // it never came
    }
    return nullptr;
  }

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// Number of the frame that is next.
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }

  /// Whether frames lost their ring, and so have to be asked for.
  [[nodiscard]] bool has_orphans() const noexcept {
    return orphans_.load(std::memory_order_relaxed) != nullptr;
  }
  /// Puts them where they belong; gives those whose places were given up, linked by `next`.
  rte_mbuf* take_orphans() noexcept {
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

  // The flusher's list of those it looks after.
  [[nodiscard]] bool is_of(const void* flusher) const noexcept { return flusher_ == flusher; }
  void look_after(const void* flusher, BasicFrameOrder* next) noexcept {
    flusher_ = flusher;
    next_order = next;
    // Before the frame is counted by put().
    looked_after_.store(true, std::memory_order_relaxed);
  }
  /// Not any more: nothing here is touched after that. Release pairs with is_over()'s acquire.
  void let_go() noexcept {
    flusher_ = nullptr;
    looked_after_.store(false, std::memory_order_release);
  }
  /// All frames there will ever be came and are gone.
  [[nodiscard]] bool is_through() const noexcept {
    return count_ == 0 &&
           frames_.load(std::memory_order_acquire) == came_.load(std::memory_order_relaxed) &&
           progress_.gone() >= next_;
  }
  BasicFrameOrder* next_order = nullptr;
  std::size_t last_writer = 0;  // for the flusher's counters

 private:
  static constexpr std::uint64_t kOpen = ~std::uint64_t{0};

  [[nodiscard]] bool is_over() const noexcept override {
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
  // Not the explorer's, as those below: how long the order is kept is no part of what it plays.
  std::atomic<std::uint64_t> came_{0};
  std::atomic<bool> looked_after_{false};
  // Of others' lcores: the waits' and the writer's.
  alignas(RTE_CACHE_LINE_SIZE) Progress progress_;
  alignas(RTE_CACHE_LINE_SIZE) std::atomic<std::uint64_t> frames_{kOpen};
  std::atomic<rte_mbuf*> orphans_{nullptr};
};

}  // namespace bab
