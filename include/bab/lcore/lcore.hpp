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
#include <bab/lcore/coroutine_pool.hpp>
#include <bab/lcore/idle.hpp>
#include <bab/lcore/task.hpp>
#include <bab/lcore/task_notes.hpp>
#include <bab/lcore/wait.hpp>

namespace bab {

/// What an lcore has done. Any thread may read it while the lcore runs.
struct LcoreCounters {
  Counter turns;
  Counter busy_cycles;  ///< TSC ticks of turns with work
  Counter idle_cycles;  ///< TSC ticks of turns without work, and of rests
};

/// One lcore's loop: pollers that return how much work they did, tasks that wait without blocking,
/// timers, and a stop request. There is one object per polling thread; or several on one thread,
/// turned by hand with a clock of the caller's (tests, simulation). Other threads may call only
/// request_stop(), stop_requested() and counters().
///
/// A turn: pollers, then waits in the order in which they began, then timers that are due, then
/// every task that is ready, once. The clock is read once per turn.
class Lcore {
 public:
  explicit Lcore(const IdleOptions& idle = {});
  Lcore(const Lcore&) = delete;
  Lcore& operator=(const Lcore&) = delete;
  /// All tasks must have ended: request_stop(), then turn until tasks() is 0. If turn() was called
  /// by hand, destroy the Lcore on the lcore that called it last: its buffer caches are then
  /// closed, as at the end of run(). Otherwise call BufferPool::empty_caches() there.
  ~Lcore();

  /// The Lcore whose turn this thread is in, or null.
  static Lcore* current() noexcept { return current_; }

  /// `poller.poll(now_tsc)` is called in every turn, in the order of add(), and returns how much
  /// work it did (0: none). The Lcore doesn't own it. Before run() or on this lcore; a poller that
  /// a poll adds is first called in the next turn. May allocate.
  template <class Poller>
  void add(Poller& poller) {
    pollers_.push_back({&poller, poll_of<Poller>});
  }

  /// The poller is not called any more, however often it was added, and may be destroyed. Before
  /// run() or on this lcore, also in a poll: of itself or of another one, which this turn then
  /// leaves out. Returns false if it wasn't there.
  template <class Poller>
  bool remove(Poller& poller) noexcept {
    return remove_poller({&poller, poll_of<Poller>});
  }

  /// Starts `make()`, which returns a Task<void>, when this lcore next resumes its ready tasks.
  /// `make` and what it holds live as long as the task. Before run() or on this lcore. Allocates;
  /// throws std::bad_alloc. An exception that leaves the task requests a stop, and run() throws it.
  template <class Make>
  void spawn(Make make) {
    // Before the coroutine is made: memory for either may be lacking.
    Begun begun{notes_, &notes_.begin()};
    root(*this, *begun.notes, std::move(make));
    begun.notes = nullptr;
    ++tasks_;
  }

  /// Turns until a stop was requested and all tasks have ended. Then it throws what a task threw.
  /// What a poller throws leaves it at once. In every case the buffers in the lcore's caches go
  /// back to the pools, and the caches keep nothing until the lcore turns again: nobody would
  /// relieve them.
  ///
  /// An exception that leaves a coroutine when it is resumed ends the program (std::terminate). No
  /// exception leaves a Task, unless it was compiled with -fno-exceptions.
  void run();
  /// The same until `done()` is true.
  template <class Done>
  void run_until(Done done) {
    const Caches caches;
    while (!done()) {
      if (exception_ && tasks_ == 0) break;  // the event that done() waits for may never come
      spin();
    }
    finish();
  }

  /// The same until all tasks have ended.
  void run_tasks();

  /// One turn at the time `now_tsc` of the caller's clock, in TSC ticks. Returns the work done. If
  /// you turn by hand and pause, call BufferPool::empty_caches() first: no other lcore can get the
  /// buffers in this lcore's caches meanwhile.
  unsigned turn(std::uint64_t now_tsc);

  /// Destroys the tasks of an Lcore that has never turned: nothing of them has run. On the thread
  /// that spawned them.
  void drop_tasks() noexcept;

  /// Ends every wait on this lcore with kCancelled, and each one that begins later. Any thread.
  /// R10: pairs with A10.
  void request_stop() noexcept { stop_requested_.store(true, std::memory_order_release); }
  /// Any thread. A10: pairs with R10 (request_stop()).
  [[nodiscard]] bool stop_requested() const noexcept {
    return stop_requested_.load(std::memory_order_acquire);
  }

  /// Whether this lcore's turns have seen the stop request: a wait that begins now ends at once.
  /// Only on this lcore.
  [[nodiscard]] bool stopping() const noexcept { return stopping_; }

  /// Whether a wait that begins now on this thread ends at once: its Lcore is stopping, or it is in
  /// no Lcore's turn.
  static bool stops_waits() noexcept { return *stops_waits_; }

  /// The time of this turn, in TSC ticks.
  [[nodiscard]] std::uint64_t now() const noexcept { return now_; }
  /// The deadline `ticks` after this turn, for Sleep, in TSC ticks; the largest value if the sum
  /// would exceed it.
  [[nodiscard]] std::uint64_t deadline_in(std::uint64_t ticks) const noexcept {
    constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
    return ticks > kNever - now_ ? kNever : now_ + ticks;
  }
  /// The deadline of the next timer, in TSC ticks; the largest value if there is none.
  [[nodiscard]] std::uint64_t next_timer() const noexcept {
    return timers_.empty() ? std::numeric_limits<std::uint64_t>::max() : timers_.front()->deadline_;
  }
  [[nodiscard]] std::size_t tasks() const noexcept { return tasks_; }
  [[nodiscard]] const LcoreCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const CoroutinePool& coroutines() const noexcept { return coroutines_; }
  [[nodiscard]] IdleStrategy idle_strategy() const noexcept { return idle_.in_force(); }
  /// Throws what a task threw, once.
  void rethrow();

 private:
  friend class Wait;
  friend class AnyOfBase;
  friend class Sleep;
  friend class Yield;

  struct PollerRef {
    void* self;
    unsigned (*poll)(void*, std::uint64_t);  // null: it was removed during this turn
    friend bool operator==(const PollerRef&, const PollerRef&) noexcept = default;
  };
  template <class P>
  static unsigned poll_of(void* self, std::uint64_t now) {
    return static_cast<P*>(self)->poll(now);
  }

  /// A first-in, first-out list of Waits: a circle through the list itself.
  class List : detail::WaitLink {
   public:
    List() noexcept { next_ = previous_ = this; }
    List(const List&) = delete;
    List& operator=(const List&) = delete;
    [[nodiscard]] bool empty() const noexcept { return next_ == this; }
    [[nodiscard]] Wait* first() const noexcept { return at(next_); }
    [[nodiscard]] Wait* after(const Wait& w) const noexcept;
    void push(Wait& w) noexcept;
    /// Moves all Waits of `other` to the end.
    void append(List& other) noexcept;

   private:
    /// Null at the list's end.
    [[nodiscard]] Wait* at(WaitLink* link) const noexcept;
  };

  /// The notes of a task that may still fail to begin. Headers use no try and catch:
  /// -fno-exceptions forbids them.
  struct Begun {
    TaskNotesSlots& slots;
    TaskNotes* notes;
    ~Begun() {
      if (notes != nullptr) slots.end(*notes);
    }
  };

  /// The coroutine around a spawned task. It destroys itself at its end.
  struct Root {
    struct promise_type {
      /// The parameters are those of root().
      template <class Make>
      promise_type(Lcore& lcore, TaskNotes& notes, Make& /*make*/) noexcept
          : lcore_(lcore), notes_(notes) {}
      static void* operator new(std::size_t bytes) { return CoroutinePool::allocate(bytes); }
      static void operator delete(void* frame) noexcept { CoroutinePool::free(frame); }
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

  /// Closes the calling lcore's buffer caches at the end of its turns, also if done() throws. In
  /// code that was compiled with -fno-exceptions its destructor isn't called when an exception
  /// passes; therefore spin() and finish() handle exceptions that come from them.
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
  bool remove_poller(const PollerRef& poller) noexcept;
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

  // constinit: otherwise each use would call their initialiser.
  static constinit thread_local Lcore* current_;
  static constinit thread_local const bool* stops_waits_;  // current_'s stopping_

  CoroutinePool coroutines_;
  Idle idle_;
  std::vector<PollerRef> pollers_;
  unsigned calls_pollers_ = 0;  // turns that are calling pollers: 2 if a poller calls turn()
  bool has_removed_ = false;
  List polled_;
  Wait* next_polled_ = nullptr;  // the next one of the walk that is going on
  List ready_;
  List resuming_;              // those that were ready before this turn
  TaskNotesSlots notes_;       // of this lcore's tasks
  TaskRef running_;            // the task that is being resumed
  std::vector<Wait*> timers_;  // a binary heap by deadline
  std::uint64_t now_ = 0;
  std::uint64_t spun_at_ = 0;  // when the last turn of spin() began, in TSC ticks; 0: accounted for
  bool spun_busy_ = false;
  std::size_t tasks_ = 0;
  unsigned turned_on_ = LCORE_ID_ANY;
  bool stopping_ = false;
  std::exception_ptr exception_;
  alignas(RTE_CACHE_LINE_SIZE) LcoreCounters counters_;
  alignas(RTE_CACHE_LINE_SIZE) std::atomic<bool> stop_requested_{false};
};

/// `co_await Yield()`: everything else has its turn first. If it is refused, the coroutine goes on
/// at once.
class Yield final : public Wait {
 public:
  Yield() noexcept = default;
  bool await_ready() noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
  void await_resume() const noexcept {}

 private:
  friend class Lcore;
  Yield(Lcore& lcore, TaskNotes& task) noexcept : on_(&lcore) { task_ = TaskRef(task); }
  bool poll() noexcept override { return waiting(); }  // in AnyOf: over when it is polled again
  Lcore* on_ = nullptr;
};

/// `co_await Sleep(deadline_tsc)`: kDone in the first turn whose time is at or after the deadline,
/// or kCancelled. Lcore::deadline_in() makes a deadline from a span of time.
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
