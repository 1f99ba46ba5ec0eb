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
  kCancelled,  ///< by its lcore's stop, or because another Wait of its AnyOf ended first
  kClosed,     ///< it waits for something that is closed and will never come
  kRefused,  ///< a mistake in the program, nothing was begun: the Wait is awaited already, this is
             ///< no Lcore's turn, or the thread has no lcore id and the wait needs one
};

namespace detail {

/// An entry of a circular list of Waits. It can leave without knowing its list.
struct WaitLink {
  WaitLink* next_ = nullptr;
  WaitLink* previous_ = nullptr;
};

}  // namespace detail

/// One thing that a coroutine waits for on its lcore: the base of all awaitables that can be
/// cancelled. It usually lives in the memory of the awaiting coroutine, is linked into its lcore's
/// list and never allocated. Only that lcore touches it. The lcore polls it once per turn, in the
/// order in which waits began.
///
/// One coroutine at a time may await it, alone or in an AnyOf. After that it may be awaited again,
/// any number of times. Another await meanwhile ends at once with kRefused and changes nothing.
///
/// If it is destroyed before its coroutine has gone on, for example with that coroutine, it gives
/// back what it was granted, and nobody is resumed. If it lives outside of the coroutine's memory,
/// it must be destroyed or cancelled before the coroutine is destroyed.
class Wait : private detail::WaitLink {
 public:
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  /// Ends the wait with kCancelled. Does nothing if the wait is over already. Only on its lcore.
  void cancel() noexcept;

  [[nodiscard]] bool waiting() const noexcept { return state_ == State::kWaiting; }
  /// How the last await ended, once it is over.
  [[nodiscard]] Outcome outcome() const noexcept { return refused_ ? Outcome::kRefused : outcome_; }

  // These make it awaitable alone.
  [[nodiscard]] bool await_ready() noexcept { return begin(); }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept { coroutine_ = coroutine; }

 protected:
  Wait() noexcept = default;
  virtual ~Wait() { retire(); }

  /// Whether the wait is over; if so, this takes what it waits for. Called at once when the wait
  /// begins (then nothing is suspended), and once per turn from then on.
  virtual bool poll() noexcept = 0;
  /// Gives back what was granted: the wait was cancelled, or nobody will be told of the grant.
  virtual void withdraw() noexcept;

  /// For the destructor of each class that overrides withdraw(). Afterwards the Wait is on no list.
  void retire() noexcept {
    if (state_ != State::kIdle) [[unlikely]]
      retire_now();
  }

  void set_outcome(Outcome outcome) noexcept { outcome_ = outcome; }
  [[nodiscard]] Lcore& lcore() const noexcept { return *lcore_; }
  /// In withdraw(): it had got what it waited for, but its coroutine has not gone on yet.
  [[nodiscard]] bool granted() const noexcept {
    return state_ == State::kReady && outcome_ == Outcome::kDone;
  }
  /// Notes of the spawned task that waits: of the one that its lcore resumed last. (That task's
  /// code may be what resumes the waiting coroutine.) Null: no wait has begun, no task began it,
  /// or that task has ended.
  [[nodiscard]] TaskNotes* task() const noexcept { return task_.get(); }

 private:
  friend class AnyOfBase;
  friend class Lcore;
  friend class Sleep;
  friend class Yield;

  enum class State : std::uint8_t {
    kIdle,     ///< nobody awaits it
    kWaiting,  ///< its lcore polls it, or it is a timer
    kReady,    ///< it is over, and its coroutine will be resumed
  };

  /// Begins on the current lcore, unless that lcore was asked to stop. True: the wait is over
  /// already.
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
  bool refused_ = false;  // the last await was; the rest belongs to an earlier one
};

}  // namespace bab
