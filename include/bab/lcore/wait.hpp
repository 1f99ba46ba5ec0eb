#pragma once

#include <bab/detail/build.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>

#include <bab/lcore/task_notes.hpp>

namespace bab {

class AnyOfBase;
class Lcore;

/// How an await ended.
enum class Outcome : std::uint8_t {
  kDone,
  kCancelled,  ///< by its lcore's stop, or as one of several of which another was first
  kClosed,     ///< what it waited for is closed and will never come
  kRefused,  ///< nothing was begun, a mistake in the program: the Wait is awaited already, or this
             ///< is no turn of an Lcore's, or the thread has no lcore id and what is awaited needs
             ///< one
};

namespace detail {

/// A place in a circular list of Waits. It can leave without knowing which list that is.
struct WaitLink {
  WaitLink* next_ = nullptr;
  WaitLink* previous_ = nullptr;
};

}  // namespace detail

/// One thing that a coroutine waits for on its lcore: base of all awaitables that can be cancelled.
/// It lives in the awaiting coroutine's frame, linked into its lcore's list and never allocated;
/// only that lcore touches it. The lcore polls it once per turn, in the order in which waits began.
///
/// It is awaited by one coroutine at a time, on its own or in an AnyOf, and when that is over as
/// often as you like. Another await meanwhile ends at once with kRefused and changes nothing.
///
/// Destroyed before its coroutine has gone on, as with that coroutine's frame, it gives back what
/// it was granted, and nobody is resumed. Where it isn't in the frame, it has to go before the
/// frame goes, or be cancelled.
class Wait : private detail::WaitLink {
 public:
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  /// Ends the wait with kCancelled; nothing happens when it is over already. On its lcore.
  void cancel() noexcept;

  [[nodiscard]] bool waiting() const noexcept { return state_ == State::kWaiting; }
  /// Of the last await, once that is over.
  [[nodiscard]] Outcome outcome() const noexcept { return refused_ ? Outcome::kRefused : outcome_; }

  // Awaitable on its own.
  [[nodiscard]] bool await_ready() noexcept { return begin(); }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept { coroutine_ = coroutine; }

 protected:
  Wait() noexcept = default;
  virtual ~Wait() { retire(); }

  /// Whether it is over; takes what it waits for, if so. Called at once when it begins (then
  /// nothing is suspended), and once per turn from then on.
  virtual bool poll() noexcept = 0;
  /// It was cancelled, or nobody will be told of what it was granted: gives that back.
  virtual void withdraw() noexcept;

  /// For the destructor of each class with a withdraw() of its own: afterwards it is on no list.
  void retire() noexcept {
    if (state_ != State::kIdle) [[unlikely]]
      retire_now();
  }

  void set_outcome(Outcome outcome) noexcept { outcome_ = outcome; }
  [[nodiscard]] Lcore& lcore() const noexcept { return *lcore_; }
  /// In withdraw(): it had what it waited for, but its coroutine has not gone on yet.
  [[nodiscard]] bool granted() const noexcept {
    return state_ == State::kReady && outcome_ == Outcome::kDone;
  }
  /// Of the spawned task that waits: the one that its lcore resumed last, be it by that task's code
  /// that the waiting coroutine goes on. Null before it waits, when that task has ended, and where
  /// no task began the wait.
  [[nodiscard]] TaskNotes* task() const noexcept { return task_.get(); }

 private:
  friend class AnyOfBase;
  friend class Lcore;
  friend class Sleep;
  friend class Yield;

  enum class State : std::uint8_t {
    kIdle,     ///< nobody awaits it
    kWaiting,  ///< among those its lcore polls, or a timer
    kReady,    ///< it is over, and its coroutine will be resumed
  };

  /// Begins on the current lcore, unless that has been asked to stop. True: over already.
  bool begin() noexcept;
  void complete() noexcept;
  void unlink() noexcept;
  void retire_now() noexcept;

  static constexpr std::size_t kNoTimer = SIZE_MAX;

  Lcore* lcore_ = nullptr;
  AnyOfBase* group_ = nullptr;
  TaskRef task_;
  std::coroutine_handle<> coroutine_;
  std::uint64_t deadline_ = 0;  // of a timer
  std::size_t timer_ = kNoTimer;
  Outcome outcome_ = Outcome::kDone;
  State state_ = State::kIdle;
  bool refused_ = false;  // the last one to await it; what it is at is another's
};

}  // namespace bab
