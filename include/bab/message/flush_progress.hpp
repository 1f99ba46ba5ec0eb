#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <bab/detail/sanitizers.hpp>

namespace bab {

/// Counts which frames of a ring, or of a shared writer, are gone (taken by the sink, or dropped),
/// and notes which of them were dropped. The flusher's lcore writes it; lcores that wait for a
/// flush read it.
template <class Atom>
class FlushProgress {
  template <class T>
  using Atomic = typename Atom::template Atomic<T>;

 public:
  /// Runs of dropped frames that are noted one by one. A new run overwrites the oldest one.
  static constexpr std::size_t kStretches = 8;

  /// All frames before this position are gone.
  [[nodiscard]] std::uint64_t gone() const noexcept {
    // A44: pairs with R44: what the sink did with these frames is seen, and which were dropped.
    return gone_.load(std::memory_order_acquire);
  }

  /// Whether a frame from `from` up to but not including `until` was dropped. All frames before
  /// `until` must be gone. Exact, unless more than kStretches runs of frames behind `until` were
  /// dropped since: then the answer can be true although no such frame was dropped.
  [[nodiscard]] bool has_dropped(std::uint64_t from, std::uint64_t until) const noexcept {
    for (const Stretch& s : stretches_) {
      // A45: pairs with R45: a new end is seen with its begin. A46: pairs with R46: a new begin is
      // seen with the forgotten_ that was stored before it. The order of the two loads matters.
      const std::uint64_t end = s.end.load(std::memory_order_acquire);
      const std::uint64_t begin = s.begin.load(std::memory_order_acquire);
      if (std::max(begin, from) < std::min(end, until)) return true;
    }
    return from < std::min(until, forgotten_.load(std::memory_order_relaxed));
  }

  /// On the flusher's lcore: all frames before `until` are gone.
  void gone_until(std::uint64_t until) noexcept {
    detail::tsan_leaves(&detail::tsan_flushes);
    // R44: pairs with A44.
    gone_.store(until, std::memory_order_release);
  }
  /// On the flusher's lcore, before it calls gone_until(): the frames from the last gone_until() to
  /// `end` were dropped. (A ring's positions include frames of shared writers, which other
  /// progresses count. Such frames between two dropped ones don't split a run.)
  void dropped(std::uint64_t end) noexcept {
    const std::uint64_t begin = gone_.load(std::memory_order_relaxed);
    if (last_ != 0 && last_end_ == begin) {
      // R45: pairs with A45.
      stretches_[(last_ - 1) % kStretches].end.store(end, std::memory_order_release);
    } else {
      Stretch& s = stretches_[last_++ % kStretches];
      const std::uint64_t before = s.end.load(std::memory_order_relaxed);
      if (before > forgotten_.load(std::memory_order_relaxed))
        forgotten_.store(before, std::memory_order_relaxed);
      // R46: pairs with A46. R45: pairs with A45.
      s.begin.store(begin, std::memory_order_release);
      s.end.store(end, std::memory_order_release);
    }
    last_end_ = end;
  }

  /// How many frames came that had been given up before they were complete. Nothing: at least one
  /// such frame has yet to come.
  [[nodiscard]] std::optional<std::uint64_t> late() const noexcept {
    // A47: pairs with R47: given_up_ is seen with the frames that came.
    const std::uint64_t came = came_late_.load(std::memory_order_acquire);
    if (given_up_.load(std::memory_order_relaxed) != came) return std::nullopt;
    return came;
  }
  /// On the flusher's lcore, before it calls gone_until(): `frames` of the dropped ones were given
  /// up before they came.
  void gave_up(std::uint64_t frames) noexcept {
    given_up_.store(given_up_.load(std::memory_order_relaxed) + frames, std::memory_order_relaxed);
  }
  /// On the flusher's lcore: one frame that had been given up came.
  void came_late() noexcept {
    // R47: pairs with A47.
    came_late_.store(came_late_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

 private:
  struct Stretch {
    Atomic<std::uint64_t> begin{0};
    Atomic<std::uint64_t> end{0};
  };

  Atomic<std::uint64_t> gone_{0};
  Atomic<std::uint64_t> forgotten_{0};  // the largest end of the runs that were overwritten
  std::array<Stretch, kStretches> stretches_{};
  // Not Atom's, since the explorer needn't interleave them: only one lcore writes them, and waits
  // only compare them.
  std::atomic<std::uint64_t> given_up_{0};
  std::atomic<std::uint64_t> came_late_{0};
  std::uint64_t last_ = 0;  // runs so far; on the flusher's lcore
  std::uint64_t last_end_ = 0;
};

/// A flush is over when all frames before this mark are gone.
struct FlushMark {
  std::uint64_t until = 0;  ///< a position; without `handed_over`, a count of the writer's frames
  bool handed_over = true;
};

}  // namespace bab
