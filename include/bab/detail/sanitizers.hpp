#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define BAB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BAB_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define BAB_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BAB_TSAN 1
#endif
#endif

#ifdef BAB_ASAN
#include <sanitizer/asan_interface.h>
#endif
#ifdef BAB_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace bab::detail {

/// A mempool hides its free objects from AddressSanitizer; these tell it. No-ops in other builds.
inline void asan_poison([[maybe_unused]] const void* p, [[maybe_unused]] std::size_t n) noexcept {
#ifdef BAB_ASAN
  __asan_poison_memory_region(p, n);
#endif
}

inline void asan_unpoison([[maybe_unused]] const void* p, [[maybe_unused]] std::size_t n) noexcept {
#ifdef BAB_ASAN
  __asan_unpoison_memory_region(p, n);
#endif
}

/// DPDK's shared libraries are not instrumented: where a buffer crosses lcores inside one of them
/// (mempool ring, PMD), these carry the happens-before edge that is really there.
inline void tsan_release([[maybe_unused]] void* p) noexcept {
#ifdef BAB_TSAN
  __tsan_release(p);
#endif
}

inline void tsan_acquire([[maybe_unused]] void* p) noexcept {
#ifdef BAB_TSAN
  __tsan_acquire(p);
#endif
}

}  // namespace bab::detail
