#include <bab/lcore/lcore.hpp>

#include <algorithm>
#include <cassert>

#include <rte_cycles.h>

#include <bab/lcore/any_of.hpp>
#include <bab/memory/buffer_pool.hpp>

namespace bab {
namespace {

/// More timers at once than this, and the heap of them grows once more. Few programs have so many tasks.
constexpr std::size_t kTimersReserved = 1024;

}  // namespace

constinit thread_local Lcore* Lcore::current_ = nullptr;

Lcore::Lcore(const IdleOptions& idle) : idle_(idle) { timers_.reserve(kTimersReserved); }

Lcore::~Lcore() { assert(tasks_ == 0 && "an Lcore was destroyed before its tasks ended"); }

void Lcore::List::push(Wait& w) noexcept {
  w.next_ = nullptr;
  w.previous_ = tail;
  (tail != nullptr ? tail->next_ : head) = &w;
  tail = &w;
}

void Lcore::List::remove(Wait& w) noexcept {
  (w.previous_ != nullptr ? w.previous_->next_ : head) = w.next_;
  (w.next_ != nullptr ? w.next_->previous_ : tail) = w.previous_;
}

bool Wait::begin() noexcept {
  lcore_ = Lcore::current();
  assert(lcore_ != nullptr && "an await outside of an Lcore's turn");
  if (lcore_->stopping_) {
    withdraw();
    outcome_ = Outcome::kCancelled;
    return true;
  }
  outcome_ = Outcome::kDone;
  task_ = lcore_->running_;
  if (poll()) return true;
  waiting_ = true;
  lcore_->link(*this);
  return false;
}

void Wait::cancel() noexcept {
  if (!waiting_) return;
  lcore_->unlink(*this);
  withdraw();
  outcome_ = Outcome::kCancelled;
  complete();
}

void Wait::complete() noexcept {
  waiting_ = false;
  if (group_ != nullptr)
    group_->ended(*this);
  else
    lcore_->make_ready(*this);
}

void AnyOfBase::ended(Wait& first) noexcept {
  if (first_ != nullptr) return;  // a loser, cancelled below
  first_ = &first;
  for (Wait* w : waits_) {
    if (w != &first) w->cancel();
    w->group_ = nullptr;  // each may be awaited again, in another group or on its own
  }
  // Nobody may be suspended yet: then await_ready() says that it is over.
  if (!coroutine_) return;
  first.coroutine_ = coroutine_;
  first.lcore_->make_ready(first);
}

bool AnyOfBase::await_ready() noexcept {
  first_ = nullptr;
  coroutine_ = nullptr;
  for (Wait* w : waits_) {
    w->group_ = this;
    w->outcome_ = Outcome::kCancelled;
  }
  for (Wait* w : waits_)
    if (w->begin()) {
      ended(*w);
      return true;
    }
  return false;
}

AnyOfBase::First AnyOfBase::await_resume() const noexcept {
  const auto at = std::find(waits_.begin(), waits_.end(), first_);
  return {static_cast<std::size_t>(at - waits_.begin()), first_->outcome()};
}

void Yield::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  Lcore* lcore = on_ != nullptr ? on_ : Lcore::current();
  assert(lcore != nullptr && "an await outside of an Lcore's turn");
  coroutine_ = coroutine;
  if (on_ == nullptr) task_ = lcore->running_;
  lcore->make_ready(*this);
}

void Lcore::link(Wait& w) noexcept {
  if (w.deadline_ != 0)
    add_timer(w);
  else
    polled_.push(w);
}

void Lcore::unlink(Wait& w) noexcept {
  if (w.timer_ != Wait::kNoTimer) {
    remove_timer(w);
    return;
  }
  if (next_polled_ == &w) next_polled_ = w.next_;
  polled_.remove(w);
}

unsigned Lcore::turn(std::uint64_t now_tsc) {
  // Given back by a destructor: a poller may throw.
  struct Current {
    Lcore* outer;
    FramePool* outer_frames;
    ~Current() {
      FramePool::current() = outer_frames;
      current_ = outer;
    }
  } const current{std::exchange(current_, this), std::exchange(FramePool::current(), &frames_)};
  now_ = now_tsc;
  if (stop_requested() && !stopping_) {
    stopping_ = true;
    cancel_all();
  }
  unsigned work = 0;
  for (const Poller& p : pollers_) work += p.poll(p.self, now_tsc);
  work += poll_waits();
  work += fire_timers();
  work += resume_ready();
  BufferPool::relieve();
  counters_.turns.store(counters_.turns.load(std::memory_order_relaxed) + 1,
                        std::memory_order_relaxed);
  return work;
}

void Lcore::spin() {
  const std::uint64_t now = rte_rdtsc();
  account(now);
  const unsigned work = turn(now);
  spun_at_ = now;
  spun_busy_ = work > 0;
  idle_.after_turn(work, now, next_timer());
}

/// The time since the last turn began goes to what that turn was. One look at the clock per turn: nothing of an
/// lcore's time is in neither of the two.
void Lcore::account(std::uint64_t now_tsc) noexcept {
  if (spun_at_ == 0) return;
  auto& cycles = spun_busy_ ? counters_.busy_cycles : counters_.idle_cycles;
  cycles.store(cycles.load(std::memory_order_relaxed) + (now_tsc - spun_at_),
               std::memory_order_relaxed);
  spun_at_ = 0;
}

void Lcore::run() {
  run_until([this] { return stop_requested() && tasks_ == 0; });
}

void Lcore::finish() {
  account(rte_rdtsc());
  BufferPool::empty_caches();
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
  while (polled_.head != nullptr) polled_.head->cancel();
  while (!timers_.empty()) timers_.front()->cancel();
}

unsigned Lcore::poll_waits() noexcept {
  unsigned done = 0;
  for (Wait* w = polled_.head; w != nullptr; w = next_polled_) {
    next_polled_ = w->next_;
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

unsigned Lcore::resume_ready() {
  // Those that become ready meanwhile have the next turn: nobody can keep the others waiting.
  unsigned resumed = 0;
  for (Wait* w = std::exchange(ready_, List{}).head; w != nullptr; ++resumed) {
    Wait* const next = w->next_;  // the Wait is gone once its coroutine goes on
    running_ = w->task_;
    w->coroutine_.resume();
    w = next;
  }
  running_ = nullptr;
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
