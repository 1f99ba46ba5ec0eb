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

/// The state of a FrameRing, shared by the FrameRing, its writers and its flusher. It is destroyed
/// with the last of them; frames that are inside then return to their pools.
template <class Atom>
class FrameRingState {
 public:
  using Progress = FlushProgress<Atom>;
  using Order = BasicFrameOrder<Atom>;

  FrameRingState(std::uint32_t capacity, int socket) : queue_(capacity, socket) {}
  FrameRingState(const FrameRingState&) = delete;
  FrameRingState& operator=(const FrameRingState&) = delete;
  /// Frames return to their pools unsent; a shared writer's frames go to the writer's order.
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
    // Frames from leave() go first.
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

  /// Takes the frames for which a writer, at its end, finds no room in the ring. On the pushing
  /// lcore, or on a thread that has seen this lcore stop.
  void leave(std::span<rte_mbuf* const> frames) noexcept {
    if (frames.empty()) return;
    for (std::size_t i = 0; i < frames.size(); ++i)
      buffer_meta(frames[i]).next = i + 1 < frames.size() ? frames[i + 1] : nullptr;
    // A52: pairs with R52 of an earlier writer's end.
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
    // R52: pairs with A52: the frames and their `next` are seen.
    left_.store(first, std::memory_order_release);
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
      // A52: pairs with R52: what the queue got before is seen, too.
      if (left_.load(std::memory_order_acquire) == nullptr) return 0;
      // push() takes nothing while frames are left: after the queue they are next.
      n = queue_.pop(out);
      if (n == out.size()) return n;
      // A52: pairs with R52.
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
  // On cache lines of their own: one lcore writes pushed_, the other popped_ and taken_, and both
  // read the queue's lines.
  alignas(RTE_CACHE_LINE_SIZE) std::uint64_t pushed_ = 0;
  alignas(RTE_CACHE_LINE_SIZE) std::uint64_t popped_ = 0;
  rte_mbuf* taken_ = nullptr;  // frames of left_ that the popping lcore took, in order
  alignas(RTE_CACHE_LINE_SIZE) Progress progress_;
  alignas(RTE_CACHE_LINE_SIZE) std::atomic<rte_mbuf*> left_{nullptr};
  std::atomic<unsigned> left_count_{0};  // includes the frames in taken_
};

/// Carries complete frames from the writers of one lcore to a WriteFlusher. The ring counts the
/// frames that went through it, so that a writer can tell when the flusher is done with a frame. A
/// position is a number of frames since the ring was made.
///
/// The ring, its writers and its flusher may be destroyed in any order, and each may be replaced.
/// Frames inside return to their pools when the last of them is destroyed. Frames for which a
/// writer finds no room at its end stay, and follow when there is room. A ring that was moved from
/// may only be destroyed or assigned to.
template <class Atom = RealAtom>
class BasicFrameRing {
 public:
  using State = FrameRingState<Atom>;
  using Progress = FlushProgress<Atom>;

  /// Holds at least `capacity` frames, in memory of NUMA node `socket`. Throws Error when there is
  /// no memory for it.
  explicit BasicFrameRing(std::uint32_t capacity, int socket = SOCKET_ID_ANY)
      : state_(std::make_shared<State>(capacity, socket)) {}
  BasicFrameRing(BasicFrameRing&&) noexcept = default;
  BasicFrameRing& operator=(BasicFrameRing&&) noexcept = default;

  /// On the pushing lcore; writers call it. Takes as many frames as fit, in order, and returns how
  /// many. Frames that you push by hand need the BufferMeta that a writer would fill in. Set
  /// `order` in any case (null: the ring's own order): in a fresh buffer it has any value.
  unsigned push(std::span<rte_mbuf* const> frames) noexcept { return state_->push(frames); }
  /// On the popping lcore: fills the front of `out` with at most out.size() frames, in order, and
  /// returns how many.
  unsigned pop(std::span<rte_mbuf*> out) noexcept { return state_->pop(out); }

  /// Frames inside; a snapshot while the other side runs.
  [[nodiscard]] unsigned size() const noexcept { return state_->size(); }
  [[nodiscard]] unsigned capacity() const noexcept { return state_->capacity(); }
  /// The position behind the last frame pushed. On the pushing lcore.
  [[nodiscard]] std::uint64_t pushed() const noexcept { return state_->pushed(); }
  /// The position behind the last frame popped. On the popping lcore.
  [[nodiscard]] std::uint64_t popped() const noexcept { return state_->popped(); }

  /// The state that writers and flusher share.
  [[nodiscard]] const std::shared_ptr<State>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<State> state_;
};

using FrameRing = BasicFrameRing<>;

}  // namespace bab
