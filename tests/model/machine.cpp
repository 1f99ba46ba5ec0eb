#include "machine.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "memory.hpp"

#ifdef BAB_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace bab::test::model {

Machine::Machine(unsigned threads) : fibers_(threads) {
  for (Fiber& f : fibers_) f.stack = std::make_unique<std::byte[]>(kStackBytes);
#ifdef BAB_TSAN_FIBERS
  for (Fiber& f : fibers_) f.tsan = __tsan_create_fiber(0);
#endif
}

Machine::~Machine() {
#ifdef BAB_TSAN_FIBERS
  for (Fiber& f : fibers_) __tsan_destroy_fiber(f.tsan);
#endif
}

std::optional<std::string> Machine::run(const std::function<void(unsigned)>& body,
                                        const Choose& choose, unsigned preemptions) {
  body_ = &body;
  choose_ = &choose;
  preemptions_left_ = preemptions;
  failure_.reset();
  trace_.clear();
  version_ = 0;
  for (Fiber& f : fibers_) start(f);
  current_ = kNobody;
  machine_ = this;
#ifdef BAB_TSAN_FIBERS
  main_tsan_ = __tsan_get_current_fiber();
#endif
  go_on();
  machine_ = nullptr;
  return failure_;
}

std::string Machine::trace() const {
  std::string text;
  for (unsigned char thread : trace_) text += static_cast<char>('0' + thread);
  return text;
}

unsigned Machine::self() noexcept { return machine_->current_; }

void Machine::point() {
  if (machine_ != nullptr) machine_->go_on();
}

std::size_t Machine::choose(std::size_t choices) { return (*machine_->choose_)(choices); }

void Machine::changed() {
  if (machine_ == nullptr) return;
  ++machine_->version_;
  if (machine_->current_ != kNobody) ++machine_->fibers_[machine_->current_].own_changes;
}

std::uint64_t Machine::version() noexcept {
  if (machine_ == nullptr || machine_->current_ == kNobody) return 0;
  return machine_->version_ - machine_->fibers_[machine_->current_].own_changes;
}

void Machine::wait_for_change(std::uint64_t seen) {
  if (machine_ == nullptr) return;
  // The thread may have seen a stale value. Then it doesn't wait: it looks again, and sees the
  // newest value.
  const bool stale = Memory::about_to_wait(machine_->current_);
  Fiber& self = machine_->fibers_[machine_->current_];
  if (!stale) self.waits_at = seen;
  machine_->go_on();
  self.waits_at.reset();
}

void Machine::wait_until(const std::function<bool()>& holds) {
  if (machine_ == nullptr) return;
  Memory::about_to_wait(machine_->current_);
  Fiber& self = machine_->fibers_[machine_->current_];
  self.waits_for = &holds;
  machine_->go_on();
  self.waits_for = nullptr;
}

void Machine::fail(std::string why) {
  if (machine_ == nullptr) {
    std::fprintf(stderr, "%s\n", why.c_str());
    std::abort();
  }
  machine_->failure_ = std::move(why);
  machine_->switch_to(kNobody);
}

void Machine::start(Fiber& f) {
  // The run before may have left parts of this stack poisoned for AddressSanitizer. After a failed
  // run they may be anywhere, otherwise only where the thread's last functions switched away.
  const std::size_t left = f.done ? kStackBytes / 16 : kStackBytes;
  detail::asan_unpoison(f.stack.get() + kStackBytes - left, left);
  f.done = false;
  f.own_changes = 0;
  f.waits_at.reset();
  f.waits_for = nullptr;
  ucontext_t& context = f.context.first;
  getcontext(&context);
  context.uc_stack.ss_sp = f.stack.get();
  context.uc_stack.ss_size = kStackBytes;
  context.uc_link = nullptr;
  makecontext(&context, &Machine::enter, 0);
  f.context.begun = false;
}

void Machine::enter() {
  arrived(nullptr);
  Memory::thread_begins();
  Machine& m = *machine_;
  (*m.body_)(m.current_);
  Memory::about_to_wait(m.current_);
  m.fibers_[m.current_].done = true;
  m.go_on();  // doesn't return
  std::abort();
}

void Machine::go_on() {
  const Memory::Quiet quiet;
  const unsigned n = static_cast<unsigned>(fibers_.size());
  std::array<unsigned, 16> can;
  std::size_t choices = 0;
  const auto ready = [this](const Fiber& f) {
    return !f.done && (!f.waits_at || *f.waits_at != version_ - f.own_changes) &&
           (f.waits_for == nullptr || (*f.waits_for)());
  };
  const bool may_stay = current_ != kNobody && ready(fibers_[current_]);
  if (may_stay) can[choices++] = current_;
  if (!may_stay || preemptions_left_ > 0)
    for (unsigned k = 1; k <= n; ++k) {
      const unsigned i = current_ == kNobody ? k - 1 : (current_ + k) % n;
      if (i != current_ && ready(fibers_[i])) can[choices++] = i;
    }
  if (choices == 0) {
    if (std::any_of(fibers_.begin(), fibers_.end(), [](const Fiber& f) { return !f.done; }))
      failure_ = "all who are left wait for ever";
    switch_to(kNobody);
    return;
  }
  if (trace_.size() >= kMaxSteps) return fail("no end");
  const unsigned next = can[choices == 1 ? 0 : (*choose_)(choices)];
  if (may_stay && next != current_) --preemptions_left_;
  trace_.push_back(static_cast<unsigned char>(next));
  if (next != current_) switch_to(next);
}

void Machine::jump(Context& from, Context& to) {
#if defined(BAB_ASAN) || defined(BAB_TSAN_FIBERS)
  swapcontext(&from.first, &to.first);
#else
  // This does without the system calls of swapcontext(), which would take most of a run's time.
  Context* volatile target = &to;
  from.begun = true;
  if (_setjmp(from.later) != 0) return;
  if (target->begun) _longjmp(target->later, 1);
  setcontext(&target->first);
#endif
}

void Machine::switch_to(unsigned next) {
  const unsigned from = std::exchange(current_, next);
  if (from == next) return;
  Context& old_context = from == kNobody ? main_ : fibers_[from].context;
  Context& new_context = next == kNobody ? main_ : fibers_[next].context;
  void* fake_stack = nullptr;
#ifdef BAB_ASAN
  const void* bottom = next == kNobody ? main_bottom_ : fibers_[next].stack.get();
  const std::size_t bytes = next == kNobody ? main_bytes_ : kStackBytes;
  __sanitizer_start_switch_fiber(from != kNobody && fibers_[from].done ? nullptr : &fake_stack,
                                 bottom, bytes);
#endif
#ifdef BAB_TSAN_FIBERS
  __tsan_switch_to_fiber(next == kNobody ? main_tsan_ : fibers_[next].tsan, 0);
#endif
  came_from_main_ = from == kNobody;
  jump(old_context, new_context);
  arrived(fake_stack);
}

void Machine::arrived([[maybe_unused]] void* fake_stack) {
  if (on_change_ != nullptr && machine_->current_ != kNobody) on_change_(machine_->current_);
#ifdef BAB_ASAN
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(fake_stack, &bottom, &bytes);
  if (machine_->came_from_main_) {
    machine_->main_bottom_ = bottom;
    machine_->main_bytes_ = bytes;
  }
#endif
}

}  // namespace bab::test::model
