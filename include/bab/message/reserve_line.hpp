#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

#include <bab/detail/check.hpp>
#include <bab/message/reserve_failure.hpp>
#include <bab/message/writer_options.hpp>

namespace bab {

/// The reserves that wait at one writer, in their order. On the writer's lcore.
class ReserveLine {
 public:
  struct Place {
    Place* next = nullptr;
  };
  /// In whose name the reserve under way is.
  enum class Turn : std::uint8_t {
    kAnyone,  ///< refused while others wait
    kFirst,   ///< of those who wait here
    kServed,  ///< that, and its turn in the pool's line has come
  };

  /// `longest`: bytes of a message, for admits().
  explicit ReserveLine(std::uint32_t longest = 0) noexcept : bound_(longest + 1) {}

  /// Nobody waits, `len` is no longer than `longest`, and open() was called: one comparison, where
  /// a writer's fast way needs all three.
  [[nodiscard]] bool admits(std::uint32_t len) const noexcept { return len < admitted_; }

  /// Whoever reserves here is on an lcore.
  void open() noexcept {
    is_open_ = true;
    if (first_ == nullptr) admitted_ = bound_;
  }

  [[nodiscard]] bool refuses() const noexcept {
    return first_ != nullptr && turn_ == Turn::kAnyone;
  }
  /// The reserve under way is no further try of one that waits: statistics count it.
  [[nodiscard]] bool counts() const noexcept { return turn_ == Turn::kAnyone; }
  [[nodiscard]] bool serves() const noexcept { return turn_ == Turn::kServed; }
  /// A reserve failed for that reason.
  void note_failure(ReserveFailure why, WriterStats& stats) const noexcept {
    if (!counts()) return;
    if (why == ReserveFailure::kNoBuffer) ++stats.starved;
    if (why == ReserveFailure::kTooManyFrames) ++stats.capped;
  }
  void set_turn(Turn turn) noexcept { turn_ = turn; }

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] bool is_first(const Place& place) const noexcept { return first_ == &place; }
  void join(Place& place) noexcept {
    Place** at = &first_;
    while (*at != nullptr) at = &(*at)->next;
    place.next = nullptr;
    *at = &place;
    admitted_ = 0;
  }
  void leave(Place& place) noexcept {
    Place** at = &first_;
    while (*at != &place) {
      BAB_ASSERT(*at != nullptr && "a reserve leaves a line it isn't in");
      at = &(*at)->next;
    }
    *at = place.next;
    if (first_ == nullptr && is_open_) admitted_ = bound_;
  }

 private:
  std::uint32_t bound_;  // longest + 1
  std::uint32_t admitted_ = 0;
  bool is_open_ = false;
  Place* first_ = nullptr;
  Turn turn_ = Turn::kAnyone;
};

}  // namespace bab
