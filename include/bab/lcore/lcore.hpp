#pragma once

#include <bab/detail/build.hpp>

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <utility>
#include <vector>

#include <rte_common.h>
#include <rte_lcore.h>

#include <bab/base/counter.hpp>
#include <bab/lcore/frame_pool.hpp>
#include <bab/lcore/idle.hpp>
#include <bab/lcore/task.hpp>
#include <bab/lcore/task_notes.hpp>
#include <bab/lcore/wait.hpp>

namespace bab {

/// What an lcore did; any thread may read while it runs.
struct LcoreCounters {
  Counter turns;
  Counter busy_cycles;  ///< TSC ticks of turns with work
  Counter idle_cycles;  ///< of those without, and of rest
};

/// One lcore's loop: pollers that say how much work they did, tasks that wait without blocking,
/// timers, a stop request. One object per polling thread; or several on one thread, turned by hand
/// with a clock of the caller's (tests, simulation). Only request_stop() and counters() may be
/// called from elsewhere.
///
/// A turn: pollers, then waits in the order in which they began, then timers that are due, then
/// every task that is ready, once. The clock is read once per turn.
class Lcore {
 public:
  explicit Lcore(const IdleOptions& idle = {});
  Lcore(const Lcore&) = delete;
  Lcore& operator=(const Lcore&) = delete;
  /// All tasks must have ended: request_stop() and turn until tasks() is 0. On the lcore that
  /// turned it last, if that was by hand: its buffer caches are closed, as at the end of run().
  /// Else call BufferPool::empty_caches() there.
  ~Lcore();

  /// The one whose turn this thread is in, or null.
  static Lcore* current() noexcept { return current_; }

  /// `poller.poll(now_tsc)` is called every turn, in the order of add(), and says how much work it
  /// did (0: none). Not owned. Before run(), or on this lcore: what a poll adds is first called in
  /// the next turn. May allocate.
  template <class Poller>
  void add(Poller& poller) {
    pollers_.push_back({&poller, poll_of<Poller>});
  }

  /// It is not called any more, however often it was added, and may be destroyed. Before run(), or
  /// on this lcore, in a poll as well: of itself, or of another one, which this turn then leaves
  /// out. False: it wasn't there.
  template <class Poller>
  bool remove(Poller& poller) noexcept {
    return remove_poller({&poller, poll_of<Poller>});
  }

  /// Starts `make()`, which gives a Task<void>, when this lcore's ready tasks are next resumed;
  /// `make` and what it holds live as long as the task. Before run(), or on this lcore. An
  /// exception that leaves the task requests a stop and is thrown by run().
  template <class Make>
  void spawn(Make make) {
    // Before the coroutine: there may be no memory for either.
    Begun begun{notes_, &notes_.begin()};
    root(*this, *begun.notes, std::move(make));
    begun.notes = nullptr;
    ++tasks_;
  }

  /// Turns until a stop was requested and all tasks have ended; then throws what a task threw, or
  /// at once what a poller threw. However it ends, what the lcore's buffer caches keep goes back to
  /// the pools, and they keep nothing until it turns again: nobody would relieve them.
  ///
  /// What leaves a coroutine that it resumes ends the program (std::terminate). A Task lets nothing
  /// leave, unless it was compiled with -fno-exceptions.
  void run();
  /// The same until `done()`.
  template <class Done>
  void run_until(Done done) {
    const Caches caches;
    while (!done()) {
      if (exception_ && tasks_ == 0) break;  // what done() waits for may never come
      spin();
    }
    finish();
  }

  /// The same until all tasks have ended.
  void run_tasks();

  /// One turn at the caller's time. Returns work done. Whoever turns by hand and pauses calls
  /// BufferPool::empty_caches() before: what this lcore keeps is out of the others' reach
  /// meanwhile.
  unsigned turn(std::uint64_t now_tsc);

  /// Of an Lcore that has never turned: its tasks go, and nothing of them has run. On the thread
  /// that spawned them.
  void drop_tasks() noexcept;

  /// Ends every wait on this lcore, and each one that begins from then on, with kCancelled. Any
  /// thread.
  void request_stop() noexcept { stop_requested_.store(true, std::memory_order_release); }
  [[nodiscard]] bool stop_requested() const noexcept {
    return stop_requested_.load(std::memory_order_acquire);
  }

  /// Whether this lcore's turns have seen the request: waits that begin now end at once. On this
  /// lcore.
  [[nodiscard]] bool stopping() const noexcept { return stopping_; }

  /// Whether a wait that begins now, on this thread, ends at once: as above, or because it is in no
  /// Lcore's turn.
  static bool stops_waits() noexcept { return *stops_waits_; }

  /// The time of this turn, in TSC ticks.
  [[nodiscard]] std::uint64_t now() const noexcept { return now_; }
  /// The deadline `ticks` from this turn, for Sleep: the largest value where it lies beyond that.
  [[nodiscard]] std::uint64_t deadline_in(std::uint64_t ticks) const noexcept {
    constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
    return ticks > kNever - now_ ? kNever : now_ + ticks;
  }
  /// Deadline of the next timer; the largest value when there is none.
  [[nodiscard]] std::uint64_t next_timer() const noexcept {
    return timers_.empty() ? std::numeric_limits<std::uint64_t>::max() : timers_.front()->deadline_;
  }
  [[nodiscard]] std::size_t tasks() const noexcept { return tasks_; }
  [[nodiscard]] const LcoreCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const FramePool& frames() const noexcept { return frames_; }
  [[nodiscard]] IdleStrategy idle_strategy() const noexcept { return idle_.in_force(); }
  /// Throws what a task threw, once.
  void rethrow();

 private:
  friend class Wait;
  friend class AnyOfBase;
  friend class Sleep;
  friend class Yield;

  struct Poller {
    void* self;
    unsigned (*poll)(void*, std::uint64_t);  // null: removed during this turn
    friend bool operator==(const Poller&, const Poller&) noexcept = default;
  };
  template <class P>
  static unsigned poll_of(void* self, std::uint64_t now) {
    return static_cast<P*>(self)->poll(now);
  }

  /// A list of Waits, first in first out; a circle through itself.
  class List : detail::WaitLink {
   public:
    List() noexcept { next_ = previous_ = this; }
    List(const List&) = delete;
    List& operator=(const List&) = delete;
    [[nodiscard]] bool empty() const noexcept { return next_ == this; }
    [[nodiscard]] Wait* first() const noexcept { return at(next_); }
    [[nodiscard]] Wait* after(const Wait& w) const noexcept;
    void push(Wait& w) noexcept;
    /// All of `other`'s behind its own.
    void append(List& other) noexcept;

   private:
    /// Null at the list's end.
    [[nodiscard]] Wait* at(WaitLink* link) const noexcept;
  };

  /// The notes of a task that may yet fail to begin. No try and catch in headers: -fno-exceptions
  /// forbids them.
  struct Begun {
    TaskNotesSlots& slots;
    TaskNotes* notes;
    ~Begun() {
      if (notes != nullptr) slots.end(*notes);
    }
  };

  /// The frame around a spawned task; destroys itself at its end.
  struct Root {
    struct promise_type {
      /// The arguments of root().
      template <class Make>
      promise_type(Lcore& lcore, TaskNotes& notes, Make& /*make*/) noexcept
          : lcore_(lcore), notes_(notes) {}
      static void* operator new(std::size_t bytes) { return FramePool::allocate(bytes); }
      static void operator delete(void* frame) noexcept { FramePool::free(frame); }
      Root get_return_object() noexcept { return {}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() noexcept { lcore_.ended(notes_); }
      void unhandled_exception() noexcept {
        lcore_.failed(std::current_exception());
        lcore_.ended(notes_);
      }

     private:
      Lcore& lcore_;
      TaskNotes& notes_;
    };
  };
  template <class Make>
  static Root root(Lcore& lcore, TaskNotes& notes, Make make);

  /// The calling lcore's, for as long as it turns: where done() throws. Code that was compiled with
  /// -fno-exceptions leaves it out when an exception passes, so spin() and finish() see to what
  /// comes from them.
  struct Caches {
    Caches() = default;
    Caches(const Caches&) = delete;
    Caches& operator=(const Caches&) = delete;
    ~Caches();
  };

  void spin();
  void account(std::uint64_t now_tsc) noexcept;
  void finish();
  void failed(std::exception_ptr exception) noexcept;
  void ended(TaskNotes& notes) noexcept {
    notes_.end(notes);
    --tasks_;
  }
  bool remove_poller(const Poller& poller) noexcept;
  unsigned call_pollers();
  void cancel_all() noexcept;
  void link(Wait& w) noexcept;
  void unlink(Wait& w) noexcept;
  void make_ready(Wait& w) noexcept;
  void add_timer(Wait& w) noexcept;
  void remove_timer(Wait& w) noexcept;
  void place(std::size_t at, Wait* w) noexcept;
  void sift_up(std::size_t at) noexcept;
  void sift_down(std::size_t at) noexcept;
  unsigned poll_waits() noexcept;
  unsigned fire_timers() noexcept;
  static void resume(Wait& w) noexcept;
  unsigned resume_ready();

  // constinit: or each use would call its initialiser.
  static constinit thread_local Lcore* current_;
  static constinit thread_local const bool* stops_waits_;  // current_'s stopping_

  FramePool frames_;
  Idle idle_;
  std::vector<Poller> pollers_;
  unsigned calls_pollers_ = 0;  // turns that are at it; a poller's own turn() makes it 2
  bool has_removed_ = false;
  List polled_;
  Wait* next_polled_ = nullptr;  // of the walk that is under way
  List ready_;
  List resuming_;              // ready before this turn
  TaskNotesSlots notes_;       // of its tasks
  TaskRef running_;            // the task that is being resumed
  std::vector<Wait*> timers_;  // a binary heap by deadline
  std::uint64_t now_ = 0;
  std::uint64_t spun_at_ = 0;  // when the last turn of spin() began; 0: accounted for
  bool spun_busy_ = false;
  std::size_t tasks_ = 0;
  unsigned turned_on_ = LCORE_ID_ANY;
  bool stopping_ = false;
  std::exception_ptr exception_;
  alignas(RTE_CACHE_LINE_SIZE) LcoreCounters counters_;
  alignas(RTE_CACHE_LINE_SIZE) std::atomic<bool> stop_requested_{false};
};

/// `co_await Yield()`: lets everything else have its turn first. Refused, it goes on at once.
class Yield final : public Wait {
 public:
  Yield() noexcept = default;
  bool await_ready() noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
  void await_resume() const noexcept {}

 private:
  friend class Lcore;
  Yield(Lcore& lcore, TaskNotes& task) noexcept : on_(&lcore) { task_ = TaskRef(task); }
  bool poll() noexcept override { return waiting(); }  // in AnyOf: over when polled again
  Lcore* on_ = nullptr;
};

/// `co_await Sleep(deadline_tsc)`: kDone at the first turn whose time is at or past the deadline,
/// or kCancelled. Lcore::deadline_in() reckons with a span.
class Sleep final : public Wait {
 public:
  explicit Sleep(std::uint64_t deadline_tsc) noexcept { deadline_ = deadline_tsc; }
  Outcome await_resume() const noexcept { return outcome(); }

 private:
  bool poll() noexcept override { return lcore().now() >= deadline_; }
};

template <class Make>
auto Lcore::root(Lcore& lcore, TaskNotes& notes, Make make) -> Root {
  co_await Yield(lcore, notes);
  co_await make();
}

}  // namespace bab
