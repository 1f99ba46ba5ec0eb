#pragma once

#include <atomic>
#include <cstdint>

#include <bab/detail/sanitizers.hpp>

namespace bab::test {

/// Sanitizers have their own malloc, which must not be replaced.
#if defined(BAB_ASAN) || defined(BAB_TSAN)
inline constexpr bool kCountsHeapCalls = false;
#else
inline constexpr bool kCountsHeapCalls = true;
#endif

/// Counts calls of this process's heap from all libraries. heap_counter.cpp replaces the C
/// library's malloc family, and operator new and delete.
struct HeapCounter {
  static inline std::atomic<std::uint64_t> mallocs{
      0};  ///< malloc, calloc, realloc, aligned_alloc, …
  static inline std::atomic<std::uint64_t> frees{0};
  static inline std::atomic<std::uint64_t> news{0};
  static inline std::atomic<std::uint64_t> deletes{0};

  /// This thread's operator new throws std::bad_alloc after so many calls from now. 0: never.
  static inline thread_local std::uint64_t fails_at = 0;

  static std::uint64_t all() noexcept { return mallocs + frees + news + deletes; }
};

}  // namespace bab::test
