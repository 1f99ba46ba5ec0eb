#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <span>

#include <bab/lcore/wait.hpp>

namespace bab {

/// The type-independent half of AnyOf.
class AnyOfBase {
 public:
  struct First {
    std::size_t index;  ///< which one ended first, in the order they were given
    Outcome outcome;    ///< its own; kCancelled when the lcore stopped
  };

  AnyOfBase(const AnyOfBase&) = delete;
  AnyOfBase& operator=(const AnyOfBase&) = delete;

  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> coroutine) noexcept { coroutine_ = coroutine; }
  First await_resume() const noexcept;

 protected:
  AnyOfBase() noexcept = default;
  ~AnyOfBase() = default;
  std::span<Wait* const> waits_;

 private:
  friend class Wait;
  void ended(Wait& first) noexcept;

  Wait* first_ = nullptr;
  std::coroutine_handle<> coroutine_;
};

/// `co_await AnyOf(a, b, …)`: begins the Waits in order, goes on with the first to end, and cancels the rest
/// (what those had been granted goes to the next in line). The Waits are the caller's and tell their
/// results themselves:
///
///     Sleep timeout(deadline);
///     auto buffer = pool.acquire();
///     const auto [index, outcome] = co_await AnyOf(buffer, timeout);
template <std::size_t N>
class AnyOf : public AnyOfBase {
 public:
  template <class... Waits>
  explicit AnyOf(Waits&... waits) noexcept : storage_{&static_cast<Wait&>(waits)...} {
    waits_ = storage_;
  }

 private:
  std::array<Wait*, N> storage_;
};

template <class... Waits>
AnyOf(Waits&...) -> AnyOf<sizeof...(Waits)>;

}  // namespace bab
