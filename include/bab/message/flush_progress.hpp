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

/// How many of a ring's frames, or of a shared writer's, are gone: taken by the sink or dropped;
/// and which of them were dropped. Written by the flusher's lcore, read by who awaits a flush.
template <class Atom>
class FlushProgress {
  template <class T>
  using Atomic = typename Atom::template Atomic<T>;

 public:
  /// Stretches of dropped frames that are told apart. The oldest make room for new ones.
  static constexpr std::size_t kStretches = 8;

  /// All before this position are gone. Acquire pairs with the release of gone_until(): what the
  /// sink did with them is seen, and what was dropped.
  [[nodiscard]] std::uint64_t gone() const noexcept {
    return gone_.load(std::memory_order_acquire);
  }

  /// Whether a frame from `from` on and before `until` was dropped; `until` is gone. Exact, unless
  /// more than kStretches stretches behind `until` were dropped since: then it may say so of none.
  [[nodiscard]] bool has_dropped(std::uint64_t from, std::uint64_t until) const noexcept {
    for (const Stretch& s : stretches_) {
      // In this order: a new end comes with its begin, and a new begin with what was forgotten for
      // it.
      const std::uint64_t end = s.end.load(std::memory_order_acquire);
      const std::uint64_t begin = s.begin.load(std::memory_order_acquire);
      if (std::max(begin, from) < std::min(end, until)) return true;
    }
    return from < std::min(until, forgotten_.load(std::memory_order_relaxed));
  }

  /// The flusher's lcore: all before `until` are gone.
  void gone_until(std::uint64_t until) noexcept {
    detail::tsan_leaves(&detail::tsan_flushes);
    gone_.store(until, std::memory_order_release);
  }
  /// The same, before they are gone: those that aren't yet and are before `end` were dropped. (Some
  /// of a ring's positions are frames of other progresses: those between two that were dropped
  /// don't part them.)
  void dropped(std::uint64_t end) noexcept {
    const std::uint64_t begin = gone_.load(std::memory_order_relaxed);
    if (last_ != 0 && last_end_ == begin) {
      stretches_[(last_ - 1) % kStretches].end.store(end, std::memory_order_release);
    } else {
      Stretch& s = stretches_[last_++ % kStretches];
      const std::uint64_t before = s.end.load(std::memory_order_relaxed);
      if (before > forgotten_.load(std::memory_order_relaxed))
        forgotten_.store(before, std::memory_order_relaxed);
      s.begin.store(begin, std::memory_order_release);
      s.end.store(end, std::memory_order_release);
    }
    last_end_ = end;
  }

  /// Frames that were given up before they were complete and came since. Nothing: others of them
  /// have yet to come.
  [[nodiscard]] std::optional<std::uint64_t> late() const noexcept {
    const std::uint64_t came = came_late_.load(std::memory_order_acquire);
    if (given_up_.load(std::memory_order_relaxed) != came) return std::nullopt;
    return came;
  }
  /// The flusher's lcore, before they are gone: so many that dropped() was told of never came.
  void gave_up(std::uint64_t frames) noexcept {
    given_up_.store(given_up_.load(std::memory_order_relaxed) + frames, std::memory_order_relaxed);
  }
  /// The same: one of them did. Release: who sees that sees that it was given up.
  void came_late() noexcept {
    came_late_.store(came_late_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

 private:
  struct Stretch {
    Atomic<std::uint64_t> begin{0};
    Atomic<std::uint64_t> end{0};
  };

  Atomic<std::uint64_t> gone_{0};
  Atomic<std::uint64_t> forgotten_{0};  // stretches before this position had to make room
  std::array<Stretch, kStretches> stretches_{};
  // Not the explorer's: only one lcore writes, and waits compare them.
  std::atomic<std::uint64_t> given_up_{0};
  std::atomic<std::uint64_t> came_late_{0};
  std::uint64_t last_ = 0;  // stretches so far: the flusher's
  std::uint64_t last_end_ = 0;
};

/// What must be gone for a flush to be over.
struct FlushMark {
  std::uint64_t until = 0;  ///< a position; until `handed_over`, frames of the writer
  bool handed_over = true;
};

}  // namespace bab
