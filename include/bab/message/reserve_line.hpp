#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

#include <bab/detail/check.hpp>
#include <bab/message/reserve_failure.hpp>
#include <bab/message/writer_options.hpp>

namespace bab {

/// The reserves that wait at one writer, first come, first served. On the writer's lcore.
class ReserveLine {
 public:
  struct Entry {
    Entry* next = nullptr;
  };
  /// For whom the reserve under way is made.
  enum class Turn : std::uint8_t {
    kAnyone,  ///< a new caller: refused while others wait
    kFirst,   ///< the first of those that wait here
    kServed,  ///< the first one, and its turn in the pool's line has come
  };

  /// `longest`: bytes of the longest message, for admits().
  explicit ReserveLine(std::uint32_t longest = 0) noexcept : bound_(longest + 1) {}

  /// True when nobody waits, `len` is no longer than `longest`, and open() was called: one
  /// comparison for the three conditions of a writer's fast path.
  [[nodiscard]] bool admits(std::uint32_t len) const noexcept { return len < admitted_; }

  /// The caller has checked that it runs on an lcore: admits() can be true from now on.
  void open() noexcept {
    is_open_ = true;
    if (first_ == nullptr) admitted_ = bound_;
  }

  [[nodiscard]] bool refuses() const noexcept {
    return first_ != nullptr && turn_ == Turn::kAnyone;
  }
  /// False for a further try of a reserve that waits: statistics count only its first try.
  [[nodiscard]] bool counts() const noexcept { return turn_ == Turn::kAnyone; }
  [[nodiscard]] bool serves() const noexcept { return turn_ == Turn::kServed; }
  /// Counts a reserve that failed for the reason `why`.
  void note_failure(ReserveFailure why, WriterStats& stats) const noexcept {
    if (!counts()) return;
    if (why == ReserveFailure::kNoBuffer) ++stats.starved;
    if (why == ReserveFailure::kTooManyFrames) ++stats.capped;
  }
  void set_turn(Turn turn) noexcept { turn_ = turn; }

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] bool is_first(const Entry& entry) const noexcept { return first_ == &entry; }
  void join(Entry& entry) noexcept {
    Entry** at = &first_;
    while (*at != nullptr) at = &(*at)->next;
    entry.next = nullptr;
    *at = &entry;
    admitted_ = 0;
  }
  void leave(Entry& entry) noexcept {
    Entry** at = &first_;
    while (*at != &entry) {
      BAB_ASSERT(*at != nullptr && "a reserve leaves a line it isn't in");
      at = &(*at)->next;
    }
    *at = entry.next;
    if (first_ == nullptr && is_open_) admitted_ = bound_;
  }

 private:
  std::uint32_t bound_;  // longest + 1
  std::uint32_t admitted_ = 0;
  bool is_open_ = false;
  Entry* first_ = nullptr;
  Turn turn_ = Turn::kAnyone;
};

}  // namespace bab
