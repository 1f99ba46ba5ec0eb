#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <rte_common.h>
#include <rte_mbuf.h>
#include <rte_memory.h>

#include <bab/base/atom.hpp>
#include <bab/detail/ring_parties.hpp>
#include <bab/memory/buffer_meta.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/message/flush_progress.hpp>
#include <bab/message/frame_order.hpp>

namespace bab {

/// What a FrameRing is made of. Its writers and its flusher keep it, too: it goes with the last of
/// them all, and what is inside then goes back.
template <class Atom>
class FrameRingState {
 public:
  using Progress = FlushProgress<Atom>;
  using Order = BasicFrameOrder<Atom>;

  FrameRingState(std::uint32_t capacity, int socket) : queue_(capacity, socket) {}
  FrameRingState(const FrameRingState&) = delete;
  FrameRingState& operator=(const FrameRingState&) = delete;
  /// Frames go back to their pools unsent; those of a shared writer to its other frames.
  ~FrameRingState() {
    std::array<rte_mbuf*, 32> frames;
    while (const unsigned n = pop(frames))
      for (rte_mbuf* m : std::span(frames).first(n))
        if (void* order = buffer_meta(m).order)
          static_cast<Order*>(order)->orphan(m);
        else
          BufferPool::release(m);
  }

  unsigned push(std::span<rte_mbuf* const> frames) noexcept {
    // What was left comes first.
    if (left_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
      return 0;
    const unsigned n = queue_.push(frames);
    pushed_ += n;
    return n;
  }

  unsigned pop(std::span<rte_mbuf*> out) noexcept {
    unsigned n = taken_ == nullptr ? queue_.pop(out) : 0;
    if (n < out.size()) n += pop_left(out.subspan(n));
    for (unsigned i = 0; detail::kTsanMixed && i < n; ++i) detail::tsan_comes(out[i]);
    popped_ += n;
    return n;
  }

  /// The pushing lcore, or who has seen it stop: frames that a writer leaves behind at its end,
  /// with no room for them.
  void leave(std::span<rte_mbuf* const> frames) noexcept {
    if (frames.empty()) return;
    for (std::size_t i = 0; i < frames.size(); ++i)
      buffer_meta(frames[i]).next = i + 1 < frames.size() ? frames[i + 1] : nullptr;
    rte_mbuf* first = left_.exchange(nullptr, std::memory_order_acquire);
    if (first == nullptr) {
      first = frames.front();
    } else {
      rte_mbuf* last = first;
      while (buffer_meta(last).next != nullptr) last = buffer_meta(last).next;
      buffer_meta(last).next = frames.front();
    }
    pushed_ += frames.size();
    left_count_.fetch_add(static_cast<unsigned>(frames.size()), std::memory_order_relaxed);
    left_.store(first, std::memory_order_release);  // pairs with pop_left()'s acquire
  }

  [[nodiscard]] std::uint64_t pushed() const noexcept { return pushed_; }
  [[nodiscard]] std::uint64_t popped() const noexcept { return popped_; }
  [[nodiscard]] unsigned size() const noexcept {
    return queue_.size() + left_count_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] unsigned capacity() const noexcept { return queue_.capacity(); }

  [[nodiscard]] Progress& progress() noexcept { return progress_; }
  [[nodiscard]] detail::RingParties& parties() noexcept { return parties_; }
  [[nodiscard]] typename Atom::template Ring<rte_mbuf>& queue() noexcept { return queue_; }

 private:
  unsigned pop_left(std::span<rte_mbuf*> out) noexcept {
    unsigned n = 0;
    if (taken_ == nullptr) {
      if (left_.load(std::memory_order_acquire) == nullptr) return 0;
      // Nothing is pushed while something is left: once the queue is empty, it is what comes next.
      n = queue_.pop(out);
      if (n == out.size()) return n;
      taken_ = left_.exchange(nullptr, std::memory_order_acquire);
    }
    const unsigned before = n;
    while (n < out.size() && taken_ != nullptr)
      out[n++] = std::exchange(taken_, buffer_meta(taken_).next);
    left_count_.fetch_sub(n - before, std::memory_order_relaxed);
    return n;
  }

  typename Atom::template Ring<rte_mbuf> queue_;
  detail::RingParties parties_;
  // On lines of their own: one lcore writes the first, another the second and third, and both read
  // the queue's.
  alignas(RTE_CACHE_LINE_SIZE) std::uint64_t pushed_ = 0;
  alignas(RTE_CACHE_LINE_SIZE) std::uint64_t popped_ = 0;
  rte_mbuf* taken_ = nullptr;  // of what was left, in order
  alignas(RTE_CACHE_LINE_SIZE) Progress progress_;
  alignas(RTE_CACHE_LINE_SIZE) std::atomic<rte_mbuf*> left_{nullptr};
  std::atomic<unsigned> left_count_{0};  // those taken and not popped yet are among them
};

/// The way of complete frames from writers of one lcore to a WriteFlusher: a ring that counts what
/// went through it, so that who put a frame in can tell when the flusher has got rid of it. Its
/// positions are frames since it was made.
///
/// It, its writers and its flusher may go in any order, and each may be followed by another. Frames
/// inside go back to their pools with the last of them; those that a writer at its end finds no
/// room for follow when there is. Moved from, it may only be destroyed or assigned to.
template <class Atom = RealAtom>
class BasicFrameRing {
 public:
  using State = FrameRingState<Atom>;
  using Progress = FlushProgress<Atom>;

  /// Holds at least `capacity` frames. Throws Error when there is no memory for it.
  explicit BasicFrameRing(std::uint32_t capacity, int socket = SOCKET_ID_ANY)
      : state_(std::make_shared<State>(capacity, socket)) {}
  BasicFrameRing(BasicFrameRing&&) noexcept = default;
  BasicFrameRing& operator=(BasicFrameRing&&) noexcept = default;

  /// The pushing lcore: takes as many as fit, in order, and says how many. Writers call it. Frames
  /// that are pushed by hand need a BufferMeta that says what a writer's would; `order` must be set
  /// (null: the ring's own order), since a fresh buffer has anything there.
  unsigned push(std::span<rte_mbuf* const> frames) noexcept { return state_->push(frames); }
  /// The popping lcore: gives as many as there are, at most out.size(), in order, and says how
  /// many.
  unsigned pop(std::span<rte_mbuf*> out) noexcept { return state_->pop(out); }

  /// A moment's figure when the other side is running.
  [[nodiscard]] unsigned size() const noexcept { return state_->size(); }
  [[nodiscard]] unsigned capacity() const noexcept { return state_->capacity(); }
  /// Position behind the last frame pushed. The pushing lcore.
  [[nodiscard]] std::uint64_t pushed() const noexcept { return state_->pushed(); }
  /// The same of the last one popped. The popping lcore.
  [[nodiscard]] std::uint64_t popped() const noexcept { return state_->popped(); }

  /// What its writers and its flusher keep.
  [[nodiscard]] const std::shared_ptr<State>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<State> state_;
};

using FrameRing = BasicFrameRing<>;

}  // namespace bab
