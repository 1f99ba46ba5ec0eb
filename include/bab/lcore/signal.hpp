#pragma once

#include <bab/detail/build.hpp>

#include <atomic>
#include <cstdint>

#include <bab/lcore/wait.hpp>

namespace bab {

/// Something that happens, told to all who wait for it: notify() from any thread, waits on any
/// Lcore. Signals form a tree: who waits for a child wakes when it or any of its ancestors is
/// notified. A parent must outlive its children, and a Signal those that wait for it.
class Signal {
 public:
  Signal() noexcept = default;
  explicit Signal(const Signal& parent) noexcept = delete;  // would read as a copy: pass a pointer
  explicit Signal(const Signal* parent) noexcept : parent_(parent) {}
  Signal& operator=(const Signal&) = delete;

  /// Any thread. Release pairs with seen(): who wakes sees what was written before.
  void notify() noexcept { times_.fetch_add(1, std::memory_order_release); }

  /// How often this or an ancestor was notified. Taken before a condition is looked at and given to
  /// wait(), it makes sure that no notification between the look and the wait is missed.
  [[nodiscard]] std::uint64_t seen() const noexcept {
    std::uint64_t sum = 0;
    for (const Signal* s = this; s != nullptr; s = s->parent_)
      sum += s->times_.load(std::memory_order_acquire);
    return sum;
  }

  /// `co_await signal.wait()`: kDone at the next notification from now on, or kCancelled.
  [[nodiscard]] class SignalWait wait() const noexcept;
  /// The same for notifications since seen() gave `since`.
  [[nodiscard]] class SignalWait wait(std::uint64_t since) const noexcept;

 private:
  const Signal* parent_ = nullptr;
  std::atomic<std::uint64_t> times_{0};
};

class SignalWait final : public Wait {
 public:
  SignalWait(const Signal& signal, std::uint64_t since) noexcept : signal_(signal), since_(since) {}
  Outcome await_resume() const noexcept { return outcome(); }

 private:
  bool poll() noexcept override { return signal_.seen() != since_; }

  const Signal& signal_;
  std::uint64_t since_;
};

inline SignalWait Signal::wait() const noexcept { return SignalWait(*this, seen()); }
inline SignalWait Signal::wait(std::uint64_t since) const noexcept {
  return SignalWait(*this, since);
}

}  // namespace bab
