#pragma once

#include <cassert>
#include <coroutine>
#include <cstddef>
#include <cstdint>

namespace bab {

class AnyOfBase;
class Lcore;
class TaskNotes;

/// How an await ended.
enum class Outcome : std::uint8_t {
  kDone,
  kCancelled,  ///< by its lcore's stop, or as one of several of which another was first
  kClosed,     ///< what it waited for is closed and will never come
};

/// One thing that a coroutine waits for on its lcore: base of all awaitables that can be cancelled. It
/// lives in the awaiting coroutine's frame, linked into its lcore's list and never allocated; only that
/// lcore touches it. The lcore polls it once per turn, in the order in which waits began.
class Wait {
 public:
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  /// Ends the wait with kCancelled; nothing happens when it is over already. On its lcore.
  void cancel() noexcept;

  [[nodiscard]] bool waiting() const noexcept { return waiting_; }
  [[nodiscard]] Outcome outcome() const noexcept { return outcome_; }

  // Awaitable on its own.
  [[nodiscard]] bool await_ready() noexcept { return begin(); }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept { coroutine_ = coroutine; }

 protected:
  Wait() noexcept = default;
  virtual ~Wait() { assert(!waiting_ && "a Wait was destroyed while it waits"); }

  /// Whether it is over; takes what it waits for, if so. Called at once when it begins (then nothing is
  /// suspended), and once per turn from then on.
  virtual bool poll() noexcept = 0;
  /// It was cancelled: passes on what it had been granted.
  virtual void withdraw() noexcept {}

  void set_outcome(Outcome outcome) noexcept { outcome_ = outcome; }
  [[nodiscard]] Lcore& lcore() const noexcept { return *lcore_; }
  /// Of the spawned task that waits; null before it does.
  [[nodiscard]] TaskNotes* task() const noexcept { return task_; }

 private:
  friend class AnyOfBase;
  friend class Lcore;
  friend class Sleep;
  friend class Yield;

  /// Begins on the current lcore, unless that has been asked to stop. True: over already.
  bool begin() noexcept;
  void complete() noexcept;

  static constexpr std::size_t kNoTimer = SIZE_MAX;

  Lcore* lcore_ = nullptr;
  Wait* next_ = nullptr;  // among those its lcore polls, or those that are ready
  Wait* previous_ = nullptr;
  AnyOfBase* group_ = nullptr;
  TaskNotes* task_ = nullptr;
  std::coroutine_handle<> coroutine_;
  std::uint64_t deadline_ = 0;  // of a timer
  std::size_t timer_ = kNoTimer;
  Outcome outcome_ = Outcome::kDone;
  bool waiting_ = false;
};

}  // namespace bab
