#pragma once

#include <bab/detail/build.hpp>

#include <atomic>
#include <cstdint>

#include <bab/lcore/wait.hpp>

namespace bab {

/// An event that wakes all who wait for it. Any thread may call notify(); waits are on any Lcore.
/// Signals form a tree: a wait for a child ends when the child or one of its ancestors is notified.
/// A parent must outlive its children, and a Signal the waits for it.
class Signal {
 public:
  Signal() noexcept = default;
  explicit Signal(const Signal& parent) noexcept =
      delete;  // it would read as a copy: pass a pointer
  explicit Signal(const Signal* parent) noexcept : parent_(parent) {}
  Signal& operator=(const Signal&) = delete;

  /// Any thread. R9: pairs with A9 (seen()): a waiter that wakes sees what was written before.
  void notify() noexcept { times_.fetch_add(1, std::memory_order_release); }

  /// How often this Signal and its ancestors were notified. Call it before you look at a condition,
  /// and give its result to wait(): then no notification between the look and the wait is missed.
  /// Any thread.
  [[nodiscard]] std::uint64_t seen() const noexcept {
    std::uint64_t sum = 0;
    for (const Signal* s = this; s != nullptr; s = s->parent_)
      // A9: pairs with R9 (notify()).
      sum += s->times_.load(std::memory_order_acquire);
    return sum;
  }

  /// `co_await signal.wait()`: kDone at the next notification after this call, or kCancelled.
  [[nodiscard]] class SignalWait wait() const noexcept;
  /// The same for a notification after the seen() that returned `since`.
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
