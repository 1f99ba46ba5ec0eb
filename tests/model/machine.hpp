#pragma once

#include <ucontext.h>
#include <csetjmp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <bab/detail/sanitizers.hpp>

/// A program that models its memory (memory.hpp) is instrumented as for ThreadSanitizer, but
/// doesn't use ThreadSanitizer.
#if defined(BAB_TSAN) && !defined(BAB_MODELS_MEMORY)
#define BAB_TSAN_FIBERS
#endif

namespace bab::test::model {

/// Runs the threads of a scenario on one real thread, one at a time. The Machine changes threads
/// only at points: before every access that the model knows of. The explorer chooses which thread
/// goes on at a point. If memory is modelled, too (Memory), the explorer also chooses the value
/// that a load sees and the time when a store arrives.
class Machine {
 public:
  /// Picks one of `choices`. 0 is the plain choice: the same thread goes on, if it can.
  using Choose = std::function<std::size_t(std::size_t choices)>;

  explicit Machine(unsigned threads);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  /// Runs `body(i)` as thread i, for all threads, until all have ended, one fails, or all are
  /// stuck. Returns what was wrong, or nothing.
  std::optional<std::string> run(const std::function<void(unsigned)>& body, const Choose& choose,
                                 unsigned preemptions);

  /// The numbers of the threads, in the order of their steps.
  [[nodiscard]] std::string trace() const;

  // These functions are for the code that the threads run. Outside of run(), point(), changed() and
  // the waits do nothing.

  /// The number of the running thread.
  [[nodiscard]] static unsigned self() noexcept;
  /// Another thread may go on here.
  static void point();
  /// Picks one of several things that may happen now.
  static std::size_t choose(std::size_t choices);
  /// Something was written: threads that wait for a change may look again.
  static void changed();
  /// How often the threads other than the running one have written something.
  [[nodiscard]] static std::uint64_t version() noexcept;
  /// The thread waits until another thread has written something after `seen`. By default: from now
  /// on.
  static void wait_for_change(std::uint64_t seen = version());
  /// The thread waits until `holds()` is true. `holds` may look at anything, and takes no step.
  static void wait_until(const std::function<bool()>& holds);
  /// When another thread goes on, `call` is called with its number, and sets thread-local
  /// variables.
  static void on_change_of_thread(void (*call)(unsigned thread)) { on_change_ = call; }
  /// Ends the run: no thread goes on.
  static void fail(std::string why);

 private:
  static constexpr std::size_t kStackBytes = 128 * 1024;
  static constexpr unsigned kNobody = std::numeric_limits<unsigned>::max();
  static constexpr std::size_t kMaxSteps = 100'000;

  /// The place where a fiber, or the caller of run(), goes on.
  struct Context {
    ucontext_t first{};
    std::jmp_buf later;
    bool begun = false;
  };

  struct Fiber {
    Context context;
    std::unique_ptr<std::byte[]> stack;
    std::optional<std::uint64_t> waits_at;
    std::uint64_t own_changes = 0;
    const std::function<bool()>* waits_for = nullptr;
    bool done = false;
#ifdef BAB_TSAN_FIBERS
    void* tsan = nullptr;
#endif
  };

  void start(Fiber& f);
  static void enter();
  void go_on();
  void switch_to(unsigned next);
  static void jump(Context& from, Context& to);
  static void arrived(void* fake_stack);

  static inline Machine* machine_ = nullptr;
  static inline void (*on_change_)(unsigned thread) = nullptr;

  std::vector<Fiber> fibers_;
  Context main_;
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
#ifdef BAB_TSAN_FIBERS
  void* main_tsan_ = nullptr;
#endif
};

}  // namespace bab::test::model
