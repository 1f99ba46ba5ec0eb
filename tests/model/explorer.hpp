#pragma once

#include <ucontext.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <bab/detail/sanitizers.hpp>

#ifdef BAB_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace bab::test::model {

/// Runs the threads of a scenario on one real thread, one at a time, and changes between them only at
/// points: before every access that goes through ExplorerAtom. Who goes on at a point is what gets explored.
///
/// Sequentially consistent memory only: it finds orders of operations that nobody thought of, not missing
/// fences.
class Machine {
 public:
  /// Given the number of choices, says which one. 0 is: whoever ran goes on, if possible.
  using Choose = std::function<std::size_t(std::size_t choices)>;

  explicit Machine(unsigned threads) : fibers_(threads) {
    for (Fiber& f : fibers_) f.stack = std::make_unique<std::byte[]>(kStackBytes);
#ifdef BAB_TSAN
    for (Fiber& f : fibers_) f.tsan = __tsan_create_fiber(0);
#endif
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() {
#ifdef BAB_TSAN
    for (Fiber& f : fibers_) __tsan_destroy_fiber(f.tsan);
#endif
  }

  /// `body(i)` as thread i, for all threads, to their ends, to a failure or to a deadlock. What was wrong, or
  /// nothing.
  std::optional<std::string> run(const std::function<void(unsigned)>& body, const Choose& choose,
                                 unsigned preemptions) {
    body_ = &body;
    choose_ = &choose;
    preemptions_left_ = preemptions;
    failure_.reset();
    trace_.clear();
    version_ = 0;
    for (Fiber& f : fibers_) start(f);
    current_ = kNobody;
    machine_ = this;
#ifdef BAB_TSAN
    main_tsan_ = __tsan_get_current_fiber();
#endif
    go_on();
    machine_ = nullptr;
    return failure_;
  }

  /// The threads in the order in which they took their steps.
  [[nodiscard]] std::string trace() const {
    std::string text;
    for (unsigned char thread : trace_) text += static_cast<char>('0' + thread);
    return text;
  }

  // For what the threads run; outside of run() these do nothing.

  /// Another thread may go on here.
  static void point() {
    if (machine_ != nullptr) machine_->go_on();
  }
  /// Something was written: those who wait for a change may look again.
  static void changed() {
    if (machine_ != nullptr) ++machine_->version_;
  }
  /// Nothing to do until another thread has written something.
  static void wait_for_change() {
    if (machine_ == nullptr) return;
    Fiber& self = machine_->fibers_[machine_->current_];
    self.waits_at = machine_->version_;
    machine_->go_on();
    self.waits_at.reset();
  }
  /// Nothing to do until `holds()`, which looks at what it wants to and takes no step itself.
  static void wait_until(const std::function<bool()>& holds) {
    if (machine_ == nullptr) return;
    Fiber& self = machine_->fibers_[machine_->current_];
    self.waits_for = &holds;
    machine_->go_on();
    self.waits_for = nullptr;
  }
  /// Called with the thread that goes on now, whenever that is another one: what is a thread's own is set
  /// here.
  static void on_change_of_thread(void (*call)(unsigned thread)) { on_change_ = call; }
  /// Ends the run: nobody goes on.
  static void fail(std::string why) {
    if (machine_ == nullptr) {
      std::fprintf(stderr, "%s\n", why.c_str());
      std::abort();
    }
    machine_->failure_ = std::move(why);
    machine_->switch_to(kNobody);
  }

 private:
  static constexpr std::size_t kStackBytes = 128 * 1024;
  static constexpr unsigned kNobody = std::numeric_limits<unsigned>::max();
  static constexpr std::size_t kMostSteps = 100'000;

  struct Fiber {
    ucontext_t context{};
    std::unique_ptr<std::byte[]> stack;
    std::optional<std::uint64_t> waits_at;
    const std::function<bool()>* waits_for = nullptr;
    bool done = false;
#ifdef BAB_TSAN
    void* tsan = nullptr;
#endif
  };

  void start(Fiber& f) {
    // Frames that the run before left there: all of a failed one's, else those that switched away last.
    const std::size_t left = f.done ? kStackBytes / 16 : kStackBytes;
    detail::asan_unpoison(f.stack.get() + kStackBytes - left, left);
    f.done = false;
    f.waits_at.reset();
    f.waits_for = nullptr;
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack.get();
    f.context.uc_stack.ss_size = kStackBytes;
    f.context.uc_link = nullptr;
    makecontext(&f.context, &Machine::enter, 0);
  }

  static void enter() {
    arrived(nullptr);
    Machine& m = *machine_;
    (*m.body_)(m.current_);
    m.fibers_[m.current_].done = true;
    m.go_on();  // doesn't come back
    std::abort();
  }

  void go_on() {
    const unsigned n = static_cast<unsigned>(fibers_.size());
    std::array<unsigned, 16> can;
    std::size_t choices = 0;
    const auto ready = [this](const Fiber& f) {
      return !f.done && (!f.waits_at || *f.waits_at != version_) &&
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
    if (trace_.size() >= kMostSteps) return fail("no end");
    const unsigned next = can[choices == 1 ? 0 : (*choose_)(choices)];
    if (may_stay && next != current_) --preemptions_left_;
    trace_.push_back(static_cast<unsigned char>(next));
    if (next != current_) switch_to(next);
  }

  void switch_to(unsigned next) {
    const unsigned from = std::exchange(current_, next);
    if (from == next) return;
    ucontext_t& old_context = from == kNobody ? main_ : fibers_[from].context;
    ucontext_t& new_context = next == kNobody ? main_ : fibers_[next].context;
    void* fake_stack = nullptr;
#ifdef BAB_ASAN
    const void* bottom = next == kNobody ? main_bottom_ : fibers_[next].stack.get();
    const std::size_t bytes = next == kNobody ? main_bytes_ : kStackBytes;
    __sanitizer_start_switch_fiber(from != kNobody && fibers_[from].done ? nullptr : &fake_stack,
                                   bottom, bytes);
#endif
#ifdef BAB_TSAN
    __tsan_switch_to_fiber(next == kNobody ? main_tsan_ : fibers_[next].tsan, 0);
#endif
    came_from_main_ = from == kNobody;
    swapcontext(&old_context, &new_context);
    arrived(fake_stack);
  }

  static void arrived([[maybe_unused]] void* fake_stack) {
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

  static inline Machine* machine_ = nullptr;
  static inline void (*on_change_)(unsigned thread) = nullptr;

  std::vector<Fiber> fibers_;
  ucontext_t main_{};
  const std::function<void(unsigned)>* body_ = nullptr;
  const Choose* choose_ = nullptr;
  unsigned current_ = kNobody;
  unsigned preemptions_left_ = 0;
  std::uint64_t version_ = 0;
  std::optional<std::string> failure_;
  std::vector<unsigned char> trace_;
  bool came_from_main_ = false;
#ifdef BAB_ASAN
  const void* main_bottom_ = nullptr;
  std::size_t main_bytes_ = 0;
#endif
#ifdef BAB_TSAN
  void* main_tsan_ = nullptr;
#endif
};

/// An Atom policy (bab/base/atom.hpp) under which every access is a point of the running Machine.
struct ExplorerAtom {
  /// The operations of std::atomic, on a T that Self keeps.
  template <class T, class Self>
  class Operations {
   public:
    T load(std::memory_order = std::memory_order_seq_cst) const noexcept {
      Machine::point();
      return at();
    }
    void store(T value, std::memory_order = std::memory_order_seq_cst) noexcept { update(value); }
    T exchange(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
      return update(value);
    }
    bool compare_exchange_strong(T& expected, T value,
                                 std::memory_order = std::memory_order_seq_cst,
                                 std::memory_order = std::memory_order_seq_cst) noexcept {
      Machine::point();
      if (at() != expected) {
        expected = at();
        return false;
      }
      at() = value;
      Machine::changed();
      return true;
    }
    bool compare_exchange_weak(T& expected, T value,
                               std::memory_order a = std::memory_order_seq_cst,
                               std::memory_order b = std::memory_order_seq_cst) noexcept {
      return compare_exchange_strong(expected, value, a, b);
    }
    T fetch_add(T n, std::memory_order = std::memory_order_seq_cst) noexcept {
      return modify([n](T old) { return static_cast<T>(old + n); });
    }
    T fetch_sub(T n, std::memory_order = std::memory_order_seq_cst) noexcept {
      return modify([n](T old) { return static_cast<T>(old - n); });
    }
    T fetch_or(T n, std::memory_order = std::memory_order_seq_cst) noexcept {
      return modify([n](T old) { return static_cast<T>(old | n); });
    }
    T fetch_and(T n, std::memory_order = std::memory_order_seq_cst) noexcept {
      return modify([n](T old) { return static_cast<T>(old & n); });
    }

   private:
    T& at() const noexcept { return static_cast<const Self*>(this)->place(); }
    template <class Change>
    T modify(Change change) noexcept {
      Machine::point();
      Machine::changed();
      return std::exchange(at(), change(at()));
    }
    T update(T value) noexcept {
      return modify([value](T) { return value; });
    }
  };

  template <class T>
  class Atomic : public Operations<T, Atomic<T>> {
   public:
    Atomic(T value = T()) noexcept : value_(value) {}
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

   private:
    friend class Operations<T, Atomic<T>>;
    T& place() const noexcept { return value_; }
    mutable T value_;
  };

  template <class T>
  class Ref : public Operations<T, Ref<T>> {
   public:
    explicit Ref(T& value) noexcept : value_(value) {}

   private:
    friend class Operations<T, Ref<T>>;
    T& place() const noexcept { return value_; }
    T& value_;
  };

  /// SpscRing's interface; each operation is one step, as rte_ring's users see it.
  template <class T>
  class Ring {
   public:
    explicit Ring(std::uint32_t capacity, int = -1) : capacity_(capacity) {}

    unsigned push(std::span<T* const> items) noexcept {
      Machine::point();
      const std::size_t n = std::min<std::size_t>(items.size(), capacity_ - items_.size());
      items_.insert(items_.end(), items.begin(), items.begin() + static_cast<std::ptrdiff_t>(n));
      if (n > 0) Machine::changed();
      return static_cast<unsigned>(n);
    }
    unsigned pop(std::span<T*> out) noexcept {
      Machine::point();
      const std::size_t n = std::min(out.size(), items_.size());
      for (std::size_t i = 0; i < n; ++i, items_.pop_front()) out[i] = items_.front();
      if (n > 0) Machine::changed();
      return static_cast<unsigned>(n);
    }
    [[nodiscard]] unsigned size() const noexcept {
      Machine::point();
      return static_cast<unsigned>(items_.size());
    }
    [[nodiscard]] unsigned capacity() const noexcept { return capacity_; }

   private:
    std::deque<T*> items_;
    unsigned capacity_;
  };
};

struct Exploration {
  std::uint64_t runs = 0;
  bool complete = false;  ///< every order within the bound was run
  std::optional<std::string> failure;
};

/// How far to look. A preemption is a change away from a thread that could have gone on; few are enough for
/// most bugs, and each more multiplies the runs.
struct Bounds {
  unsigned preemptions = 2;
  std::uint64_t runs = std::numeric_limits<std::uint64_t>::max();
};

/// One run of a new Scenario: made by `make`, with `thread(i)` and, after all threads' ends, `check()`, which
/// says what is wrong or nothing.
template <class Make>
std::optional<std::string> run_once(Machine& machine, Make& make, const Machine::Choose& choose,
                                    unsigned preemptions) {
  auto scenario = make();
  auto failure = machine.run([&](unsigned i) { scenario->thread(i); }, choose, preemptions);
  if (!failure) failure = scenario->check();
  if (failure) *failure += "; threads in order of their steps: " + machine.trace();
  return failure;
}

/// Depth first through all orders within the bounds.
template <class Make>
Exploration explore(unsigned threads, Make make, const Bounds& bounds) {
  struct Step {
    std::size_t chosen, choices;
  };
  Machine machine(threads);
  std::vector<Step> path;
  Exploration e;
  while (e.runs < bounds.runs) {
    std::size_t depth = 0;
    const Machine::Choose choose = [&](std::size_t choices) {
      if (depth == path.size()) path.push_back({0, choices});
      return path[depth++].chosen;
    };
    ++e.runs;
    if ((e.failure = run_once(machine, make, choose, bounds.preemptions))) return e;
    while (!path.empty() && path.back().chosen + 1 == path.back().choices) path.pop_back();
    if (path.empty()) {
      e.complete = true;
      return e;
    }
    ++path.back().chosen;
  }
  return e;
}

/// `runs` orders at random, of a printed seed, any number of preemptions.
template <class Make>
Exploration explore_at_random(unsigned threads, Make make, std::uint64_t runs, std::uint64_t seed) {
  Machine machine(threads);
  std::mt19937_64 random(seed);
  Exploration e;
  while (e.runs < runs && !e.failure) {
    // Some runs change at nearly every point, others seldom.
    const std::uint64_t stay = 1 + random() % 8;
    const Machine::Choose choose = [&](std::size_t choices) {
      return random() % stay != 0 ? 0 : random() % choices;
    };
    ++e.runs;
    e.failure = run_once(machine, make, choose, std::numeric_limits<unsigned>::max());
  }
  return e;
}

}  // namespace bab::test::model
