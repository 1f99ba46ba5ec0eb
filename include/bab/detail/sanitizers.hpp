#pragma once

#include <cstddef>

#include <bab/detail/build.hpp>

// AddressSanitizer: it would report memory that one part of a program hides and another part
// doesn't show again. Therefore the library's build decides for all. ThreadSanitizer is told in
// which order things happen, which may be told twice: if this translation unit is watched, and if
// the library is.
#if BAB_LIBRARY_ASAN
#define BAB_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define BAB_TSAN_HERE 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BAB_TSAN_HERE 1
#endif
#endif
#if BAB_LIBRARY_TSAN || defined(BAB_TSAN_HERE)
#define BAB_TSAN 1
#endif
// Only one of the two is watched. (tests/model has a ThreadSanitizer of its own, for which
// everything is watched.)
#if BAB_LIBRARY_TSAN
#ifndef BAB_TSAN_HERE
#define BAB_TSAN_MIXED 1
#endif
#elif defined(BAB_TSAN_HERE) && !defined(BAB_MODELS_MEMORY)
#define BAB_TSAN_MIXED 1
#endif

#ifdef BAB_ASAN
#include <sanitizer/asan_interface.h>
#endif
#ifdef BAB_TSAN
#if __has_include(<sanitizer/tsan_interface.h>)
#include <sanitizer/tsan_interface.h>
#else  // clang's is in a package of its own, which tests/model doesn't need
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif
#endif

// For functions that use DPDK's rings. By default the rings order their work by fences, which
// ThreadSanitizer doesn't know: it would see races inside of them. tsan_ring_*() tell it what the
// rings hand over.
#if defined(BAB_TSAN_HERE) && !defined(RTE_USE_C11_MEM_MODEL)
#define BAB_RINGS_UNWATCHED __attribute__((no_sanitize("thread")))
#else
#define BAB_RINGS_UNWATCHED
#endif

namespace bab::detail {

#ifdef BAB_ASAN
inline constexpr bool kAsan = true;
#else
inline constexpr bool kAsan = false;
#endif
// Not inline: each translation unit has its own.
#ifdef BAB_TSAN
constexpr bool kTsan = true;
#else
constexpr bool kTsan = false;
#endif
#ifdef BAB_TSAN_MIXED
constexpr bool kTsanMixed = true;
#else
constexpr bool kTsanMixed = false;
#endif

/// A mempool hides its free objects from AddressSanitizer by these. They do nothing if the library
/// is built without it.
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

// Static: each translation unit has its own, since they do what that unit's flags say. Under a
// common name the linker would take the first unit's for all. It still does so with inline
// functions that call them: the library knows these by name, so their names can't differ. Therefore
// ThreadSanitizer must be on in all units that include bab's headers, or in none: otherwise a
// report of it may be no race.

/// DPDK's shared libraries are not instrumented. If a buffer crosses lcores inside of one of them
/// (a mempool's ring, a PMD), these two tell ThreadSanitizer of the happens-before edge that exists
/// there.
static inline void tsan_release([[maybe_unused]] const volatile void* p) noexcept {
#ifdef BAB_TSAN
  __tsan_release(const_cast<void*>(p));
#endif
}

static inline void tsan_acquire([[maybe_unused]] const volatile void* p) noexcept {
#ifdef BAB_TSAN
  __tsan_acquire(const_cast<void*>(p));
#endif
}

/// The same if either the application's translation unit or the library is not instrumented:
/// buffers and bytes also cross lcores in that one. `p` is not null: otherwise g++ would warn about
/// the code that follows.
static inline void tsan_leaves([[maybe_unused]] const void* p) noexcept {
  if (kTsanMixed) tsan_release(p);
}

static inline void tsan_comes([[maybe_unused]] const void* p) noexcept {
  if (kTsanMixed) tsan_acquire(p);
}

/// The address by which ThreadSanitizer is told of flushes, of any writer. Defined in the library,
/// as everything that is shared.
extern char tsan_flushes;

}  // namespace bab::detail
