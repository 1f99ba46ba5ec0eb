#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include <rte_common.h>
#include <rte_mbuf.h>

#include <bab/base/atom.hpp>

namespace bab {

/// How many of a ring's frames, or of those of all a shared writer's rings, are gone: taken by the sink or
/// dropped. Written by the flusher's lcore, read by who awaits a flush.
template <class Atom>
struct FlushProgress {
  /// All before this position are gone. Release, after `dropped`; pairs with the waits' acquire.
  typename Atom::template Atomic<std::uint64_t> gone{0};
  typename Atom::template Atomic<std::uint64_t> dropped{0};  ///< of those, by policy
};

/// What must be gone for a flush to be over.
struct FlushMark {
  std::uint64_t until = 0;  ///< a position; until `handed_over`, frames of the writer
  bool handed_over = true;
  std::uint64_t dropped = 0;  ///< that the writer has told of before
};

/// The way of complete frames from writers of one lcore to a WriteFlusher: a ring that counts what went
/// through it, so that who put a frame in can tell when the flusher has got rid of it. Its positions are
/// frames since it was made.
template <class Atom = RealAtom>
class BasicFrameRing : public Atom::template Ring<rte_mbuf> {
  using Base = typename Atom::template Ring<rte_mbuf>;

 public:
  using Progress = FlushProgress<Atom>;
  using Base::Base;

  unsigned push(std::span<rte_mbuf* const> frames) noexcept {
    const unsigned n = Base::push(frames);
    pushed_ += n;
    return n;
  }
  unsigned pop(std::span<rte_mbuf*> out) noexcept {
    const unsigned n = Base::pop(out);
    popped_ += n;
    return n;
  }

  /// Position behind the last frame pushed. The pushing lcore.
  [[nodiscard]] std::uint64_t pushed() const noexcept { return pushed_; }
  /// The same of the last one popped. The popping lcore.
  [[nodiscard]] std::uint64_t popped() const noexcept { return popped_; }

  /// Where the flusher says how far it is: this ring's own, or that of a shared writer's first ring.
  /// Acquire pairs with follow().
  [[nodiscard]] Progress& progress() noexcept { return *progress_.load(std::memory_order_acquire); }
  void follow(BasicFrameRing& first) noexcept {
    progress_.store(&first.own_progress_, std::memory_order_release);
  }

 private:
  // On lines of their own: one lcore writes the first, another the rest, and both read the base's.
  alignas(RTE_CACHE_LINE_SIZE) std::uint64_t pushed_ = 0;
  alignas(RTE_CACHE_LINE_SIZE) std::uint64_t popped_ = 0;
  Progress own_progress_;
  typename Atom::template Atomic<Progress*> progress_{&own_progress_};
};

using FrameRing = BasicFrameRing<>;

}  // namespace bab
