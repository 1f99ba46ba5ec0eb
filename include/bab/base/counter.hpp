#pragma once

#include <bab/detail/build.hpp>

#include <atomic>
#include <cstdint>

namespace bab {

/// A counter. One lcore at a time may change it; any thread may read it. A read gives a snapshot.
/// It costs as much as a plain number: a relaxed load and a relaxed store, no atomic addition.
/// Wraps around at 2^64.
class Counter {
 public:
  constexpr Counter(std::uint64_t value = 0) noexcept : value_(value) {}
  Counter(const Counter& other) noexcept : value_(other) {}
  Counter& operator=(const Counter& other) noexcept { return *this = std::uint64_t{other}; }
  Counter& operator=(std::uint64_t value) noexcept {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }

  operator std::uint64_t() const noexcept { return value_.load(std::memory_order_relaxed); }

  Counter& operator+=(std::uint64_t n) noexcept { return *this = *this + n; }
  Counter& operator-=(std::uint64_t n) noexcept { return *this = *this - n; }

 private:
  std::atomic<std::uint64_t> value_;
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace bab
