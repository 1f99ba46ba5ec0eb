#include <bab/lcore/lcore.hpp>

#include <algorithm>
#include <cassert>

#include <rte_cycles.h>

#include <bab/memory/buffer_pool.hpp>

namespace bab {
namespace {

/// With more timers at a time than this, the heap of timers grows. Few programs have so many tasks.
constexpr std::size_t kTimersReserved = 1024;
/// The same for pollers: if fewer are added while the lcore runs, nothing is allocated.
constexpr std::size_t kPollersReserved = 32;

/// Outside of a turn every wait ends at once.
constexpr bool kNoTurn = true;

}  // namespace

constinit thread_local Lcore* Lcore::current_ = nullptr;
constinit thread_local const bool* Lcore::stops_waits_ = &kNoTurn;

Lcore::Lcore(const IdleOptions& idle) : idle_(idle) {
  timers_.reserve(kTimersReserved);
  pollers_.reserve(kPollersReserved);
}

Lcore::~Lcore() {
  assert(tasks_ == 0 && "an Lcore was destroyed before its tasks ended");
  if (turned_on_ == rte_lcore_id()) BufferPool::empty_caches();
  // Tasks that never end keep what they have. But a Wait that isn't in their memory may outlive
  // this Lcore: it must be on no list.
  ready_.append(resuming_);
  ready_.append(polled_);
  for (Wait* w : timers_) ready_.push(*w);
  while (!ready_.empty()) {
    Wait& w = *ready_.first();
    w.timer_ = Wait::kNoTimer;
    w.state_ = Wait::State::kReady;
    w.unlink();
  }
}

Lcore::Caches::~Caches() { BufferPool::empty_caches(); }

Wait* Lcore::List::at(WaitLink* link) const noexcept {
  return link == this ? nullptr : static_cast<Wait*>(link);
}

Wait* Lcore::List::after(const Wait& w) const noexcept { return at(w.next_); }

void Lcore::List::push(Wait& w) noexcept {
  w.next_ = this;
  w.previous_ = previous_;
  previous_->next_ = &w;
  previous_ = &w;
}

void Lcore::List::append(List& other) noexcept {
  if (other.empty()) return;
  other.next_->previous_ = previous_;
  other.previous_->next_ = this;
  previous_->next_ = other.next_;
  previous_ = other.previous_;
  other.next_ = other.previous_ = &other;
}

bool Yield::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  Lcore* const lcore = on_ != nullptr ? on_ : Lcore::current();
  if (state_ != State::kIdle) {
    refused_ = true;
    return false;
  }
  outcome_ = lcore != nullptr ? Outcome::kDone : Outcome::kRefused;
  if (lcore == nullptr) return false;
  lcore_ = lcore;
  coroutine_ = coroutine;
  if (on_ == nullptr) task_ = lcore->running_;
  lcore->make_ready(*this);
  return true;
}

void Lcore::make_ready(Wait& w) noexcept {
  w.state_ = Wait::State::kReady;
  ready_.push(w);
}

void Lcore::link(Wait& w) noexcept {
  w.state_ = Wait::State::kWaiting;
  if (w.deadline_ != 0)
    add_timer(w);
  else
    polled_.push(w);
}

void Lcore::unlink(Wait& w) noexcept {
  if (w.timer_ != Wait::kNoTimer) return remove_timer(w);
  if (next_polled_ == &w) next_polled_ = polled_.after(w);
  w.previous_->next_ = w.next_;
  w.next_->previous_ = w.previous_;
}

bool Lcore::remove_poller(const PollerRef& poller) noexcept {
  if (calls_pollers_ == 0) return std::erase(pollers_, poller) > 0;
  // Somebody walks through the pollers: they keep their places until the walk ends.
  bool found = false;
  for (PollerRef& p : pollers_) {
    if (p != poller) continue;
    p.poll = nullptr;
    found = has_removed_ = true;
  }
  return found;
}

unsigned Lcore::call_pollers() {
  // The destructor ends the walk: a poller may throw.
  struct Walk {
    Lcore& lcore;
    explicit Walk(Lcore& l) noexcept : lcore(l) { ++lcore.calls_pollers_; }
    ~Walk() {
      if (--lcore.calls_pollers_ > 0 || !std::exchange(lcore.has_removed_, false)) return;
      std::erase_if(lcore.pollers_, [](const PollerRef& p) { return p.poll == nullptr; });
    }
  } const walk(*this);
  unsigned work = 0;
  const std::size_t there = pollers_.size();
  for (std::size_t i = 0; i < there; ++i) {
    const PollerRef p = pollers_[i];  // a copy: a poll may add and remove
    if (p.poll != nullptr) work += p.poll(p.self, now_);
  }
  return work;
}

unsigned Lcore::turn(std::uint64_t now_tsc) {
  // The destructor restores all: a poller may throw, and a task may turn its own lcore.
  struct Current {
    Lcore& self;
    TaskRef outer_task;
    Lcore* outer;
    const bool* outer_stops;
    CoroutinePool* outer_frames;
    ~Current() {
      self.running_ = outer_task;
      CoroutinePool::current() = outer_frames;
      stops_waits_ = outer_stops;
      current_ = outer;
    }
  } const current{*this, std::exchange(running_, {}), std::exchange(current_, this),
                  std::exchange(stops_waits_, &stopping_),
                  std::exchange(CoroutinePool::current(), &coroutines_)};
  now_ = now_tsc;
  if (stop_requested() && !stopping_) {
    stopping_ = true;
    cancel_all();
  }
  unsigned work = call_pollers();
  work += poll_waits();
  work += fire_timers();
  work += resume_ready();
  turned_on_ = rte_lcore_id();
  BufferPool::relieve();
  counters_.turns += 1;
  return work;
}

void Lcore::run() {
  run_until([this] { return stop_requested() && tasks_ == 0; });
}

void Lcore::drop_tasks() noexcept {
  assert(counters_.turns == 0 && "drop_tasks() of an Lcore that has turned");
  while (Wait* const first = ready_.first()) {
    TaskNotes* const notes = first->task_.get();
    first->coroutine_.destroy();  // the Wait goes with it
    ended(*notes);
  }
}

void Lcore::run_tasks() {
  run_until([this] { return tasks_ == 0; });
}

void Lcore::spin() try {
  const std::uint64_t now = rte_rdtsc();
  account(now);
  const unsigned work = turn(now);
  spun_at_ = now;
  spun_busy_ = work > 0;
  idle_.after_turn(work, now, next_timer());
} catch (...) {
  BufferPool::empty_caches();
  throw;
}

/// Adds the time since the last turn began to the counter that fits that turn. The clock is read
/// once per turn, and every tick of the lcore is in one of the two counters.
void Lcore::account(std::uint64_t now_tsc) noexcept {
  if (spun_at_ == 0) return;
  (spun_busy_ ? counters_.busy_cycles : counters_.idle_cycles) += now_tsc - spun_at_;
  spun_at_ = 0;
}

void Lcore::finish() {
  BufferPool::empty_caches();
  account(rte_rdtsc());
  rethrow();
}

void Lcore::failed(std::exception_ptr exception) noexcept {
  if (!exception_) exception_ = std::move(exception);
  request_stop();
}

void Lcore::rethrow() {
  if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
}

void Lcore::cancel_all() noexcept {
  while (!polled_.empty()) polled_.first()->cancel();
  while (!timers_.empty()) timers_.front()->cancel();
}

unsigned Lcore::poll_waits() noexcept {
  unsigned done = 0;
  for (Wait* w = polled_.first(); w != nullptr; w = next_polled_) {
    next_polled_ = polled_.after(*w);
    if (!w->poll()) continue;
    unlink(*w);
    w->complete();
    ++done;
  }
  next_polled_ = nullptr;
  return done;
}

unsigned Lcore::fire_timers() noexcept {
  unsigned fired = 0;
  for (; !timers_.empty() && timers_.front()->deadline_ <= now_; ++fired) {
    Wait& w = *timers_.front();
    remove_timer(w);
    w.complete();
  }
  return fired;
}

/// A Task keeps an exception in its promise. A coroutine that was compiled with -fno-exceptions
/// lets it pass, and it would come out here. The coroutine left behind would neither have ended nor
/// be able to go on, and run() would wait for it for ever. Hence noexcept.
void Lcore::resume(Wait& w) noexcept { w.coroutine_.resume(); }

unsigned Lcore::resume_ready() {
  // Waits that become ready meanwhile have to wait for the next turn: no task can keep the others
  // waiting. Each Wait is taken from the list only when it is resumed: a coroutine that goes on may
  // destroy others.
  resuming_.append(ready_);
  unsigned resumed = 0;
  for (; !resuming_.empty(); ++resumed) {
    Wait& w = *resuming_.first();
    w.unlink();
    w.group_ = nullptr;
    running_ = w.task_;
    resume(w);  // the Wait may be destroyed when its coroutine goes on
  }
  return resumed;
}

void Lcore::place(std::size_t at, Wait* w) noexcept {
  timers_[at] = w;
  w->timer_ = at;
}

void Lcore::sift_up(std::size_t at) noexcept {
  Wait* const w = timers_[at];
  for (; at > 0; at = (at - 1) / 2) {
    Wait* const parent = timers_[(at - 1) / 2];
    if (parent->deadline_ <= w->deadline_) break;
    place(at, parent);
  }
  place(at, w);
}

void Lcore::sift_down(std::size_t at) noexcept {
  Wait* const w = timers_[at];
  while (true) {
    std::size_t child = 2 * at + 1;
    if (child >= timers_.size()) break;
    if (child + 1 < timers_.size() && timers_[child + 1]->deadline_ < timers_[child]->deadline_)
      ++child;
    if (timers_[child]->deadline_ >= w->deadline_) break;
    place(at, timers_[child]);
    at = child;
  }
  place(at, w);
}

void Lcore::add_timer(Wait& w) noexcept {
  timers_.push_back(&w);
  sift_up(timers_.size() - 1);
}

void Lcore::remove_timer(Wait& w) noexcept {
  const std::size_t at = std::exchange(w.timer_, Wait::kNoTimer);
  Wait* const last = timers_.back();
  timers_.pop_back();
  if (last == &w) return;
  place(at, last);
  sift_down(at);
  sift_up(last->timer_);
}

}  // namespace bab
