#include <bab/lcore/wait.hpp>

#include <utility>

#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>

namespace bab {

bool Wait::begin() noexcept {
  if (state_ != State::kIdle) {
    refused_ = true;  // all else belongs to the earlier await
    return true;
  }
  refused_ = false;
  lcore_ = Lcore::current();
  if (Lcore::stops_waits()) {
    withdraw();
    outcome_ = lcore_ != nullptr ? Outcome::kCancelled : Outcome::kRefused;
    return true;
  }
  outcome_ = Outcome::kDone;
  task_ = lcore_->running_;
  if (poll()) return true;
  lcore_->link(*this);
  return false;
}

void Wait::cancel() noexcept {
  if (state_ != State::kWaiting) return;
  withdraw();
  unlink();
  outcome_ = Outcome::kCancelled;
  complete();
}

/// Takes it off its list. Afterwards it is idle.
void Wait::unlink() noexcept {
  lcore_->unlink(*this);
  state_ = State::kIdle;
  refused_ = false;
}

void Wait::complete() noexcept {
  state_ = State::kIdle;
  if (group_ != nullptr)
    group_->ended(*this);
  else
    lcore_->make_ready(*this);
}

void Wait::retire_now() noexcept {
  withdraw();
  unlink();
  outcome_ = Outcome::kCancelled;
  if (group_ != nullptr) group_->forget(*this);
  group_ = nullptr;
}

// Defined in the library, and the class's type description with it.
void Wait::withdraw() noexcept {}

bool AnyOfBase::refuse(std::size_t index) noexcept {
  refused_ = true;
  refusal_ = {index, Outcome::kRefused};
  return true;
}

bool AnyOfBase::await_ready() noexcept {
  if (state_ != State::kIdle) return refuse(0);
  std::size_t in_group = 0;
  for (Wait* w : waits_) {
    if (w == nullptr || w->state_ != Wait::State::kIdle || w->group_ == this) break;
    w->group_ = this;
    ++in_group;
  }
  if (in_group < waits_.size()) {
    for (Wait* w : waits_.first(in_group)) w->group_ = nullptr;
    return refuse(in_group);
  }
  state_ = State::kWaiting;
  first_ = nullptr;
  coroutine_ = nullptr;
  for (Wait* w : waits_) {
    w->outcome_ = Outcome::kCancelled;
    w->refused_ = false;
  }
  for (Wait* w : waits_)
    if (w->begin()) {
      ended(*w);
      return true;
    }
  return false;
}

void AnyOfBase::ended(Wait& first) noexcept {
  if (first_ != nullptr) return;  // one that lost, and is cancelled below
  first_ = &first;
  result_.outcome = first.outcome_;
  for (std::size_t i = 0; i < waits_.size(); ++i) {
    Wait* w = waits_[i];
    if (w == &first) {
      result_.index = i;
    } else if (w != nullptr) {
      w->cancel();
      w->group_ = nullptr;  // each may be awaited again, in another group or on its own
    }
  }
  // The coroutine may not be suspended yet: await_ready() then returns true.
  if (!coroutine_) {
    first.group_ = nullptr;
    state_ = State::kIdle;
    return;
  }
  state_ = State::kReady;  // `first` stays in the group until its coroutine is resumed: either may
                           // be destroyed before
  first.coroutine_ = coroutine_;
  first.lcore_->make_ready(first);
}

AnyOfBase::First AnyOfBase::await_resume() noexcept {
  if (std::exchange(refused_, false)) return refusal_;
  state_ = State::kIdle;
  return result_;
}

/// A Wait that began here is destroyed. The others go on.
void AnyOfBase::forget(const Wait& gone) noexcept {
  for (Wait*& w : waits_)
    if (w == &gone) w = nullptr;
  if (first_ == &gone) state_ = State::kIdle;
}

void AnyOfBase::retire() noexcept {
  const State state = std::exchange(state_, State::kIdle);
  if (state == State::kReady) {
    first_->group_ = nullptr;
    first_->retire();
  } else if (state == State::kWaiting) {
    for (Wait* w : waits_) {
      if (w == nullptr) continue;
      w->group_ = nullptr;
      w->retire();
    }
  }
}

}  // namespace bab
