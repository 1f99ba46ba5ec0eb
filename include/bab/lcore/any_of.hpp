#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>

#include <bab/lcore/wait.hpp>

namespace bab {

/// The type-independent half of AnyOf.
class AnyOfBase {
 public:
  struct First {
    std::size_t index;  ///< the position of the one that ended first, in the order of the arguments
    Outcome outcome;    ///< the outcome of that one; kCancelled if the lcore stopped
  };

  AnyOfBase(const AnyOfBase&) = delete;
  AnyOfBase& operator=(const AnyOfBase&) = delete;

  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> coroutine) noexcept { coroutine_ = coroutine; }
  First await_resume() noexcept;

 protected:
  AnyOfBase() noexcept = default;
  ~AnyOfBase() = default;
  /// For the destructor: Waits that have begun are withdrawn, and nobody is resumed.
  void retire() noexcept;

  std::span<Wait*> waits_;

 private:
  friend class Wait;
  enum class State : std::uint8_t { kIdle, kWaiting, kReady };

  bool refuse(std::size_t index) noexcept;
  void ended(Wait& first) noexcept;
  void forget(const Wait& gone) noexcept;

  Wait* first_ = nullptr;
  First result_{};
  First refusal_{};
  std::coroutine_handle<> coroutine_;
  State state_ = State::kIdle;
  bool refused_ = false;
};

/// What AnyOf takes: a Wait, or something that converts to one (a ReserveWait).
template <class T>
concept AwaitableInAnyOf = std::convertible_to<T&, Wait&>;

/// `co_await AnyOf(a, b, …)`: begins the Waits in order, goes on when the first one ends, and
/// cancels the others (what those had been granted goes to the next in line). The Waits belong to
/// the caller, who asks them for their results:
///
///     Sleep timeout(deadline);
///     auto buffer = pool.acquire();
///     const auto [index, outcome] = co_await AnyOf(buffer, timeout);
///
/// If a Wait is in it twice, or somebody awaits one already, it ends at once with that Wait's index
/// and kRefused, and begins nothing.
template <std::size_t N>
requires(N > 0) class AnyOf : public AnyOfBase {
 public:
  template <AwaitableInAnyOf... Waits>
  requires(sizeof...(Waits) == N) explicit AnyOf(Waits&... waits) noexcept
      : storage_{&static_cast<Wait&>(waits)...} {
    waits_ = storage_;
  }
  ~AnyOf() { retire(); }

 private:
  std::array<Wait*, N> storage_;
};

template <class... Waits>
AnyOf(Waits&...) -> AnyOf<sizeof...(Waits)>;

}  // namespace bab
