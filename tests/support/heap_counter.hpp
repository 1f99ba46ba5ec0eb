#pragma once

#include <atomic>
#include <cstdint>

#include <bab/detail/sanitizers.hpp>

namespace bab::test {

/// Sanitizers have a malloc of their own, which must not be replaced.
#if defined(BAB_ASAN) || defined(BAB_TSAN)
inline constexpr bool kCountsHeapCalls = false;
#else
inline constexpr bool kCountsHeapCalls = true;
#endif

/// Calls of this process's heap, from whatever library: heap_counter.cpp puts itself in front of
/// the C library's malloc family and of operator new and delete.
struct HeapCounter {
  static inline std::atomic<std::uint64_t> mallocs{
      0};  ///< malloc, calloc, realloc, aligned_alloc, …
  static inline std::atomic<std::uint64_t> frees{0};
  static inline std::atomic<std::uint64_t> news{0};
  static inline std::atomic<std::uint64_t> deletes{0};

  /// This thread's operator new so many calls from now throws std::bad_alloc; 0: none does.
  static inline thread_local std::uint64_t fails_at = 0;

  static std::uint64_t all() noexcept { return mallocs + frees + news + deletes; }
};

}  // namespace bab::test
