#pragma once

#include <cstddef>

#include <bab/detail/build.hpp>

// AddressSanitizer: what one part of a program hides and another doesn't show again would be
// reported. So the library decides for all. ThreadSanitizer is told of order, which does no harm
// twice: where this translation unit is watched, and where the library is.
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
// Where only one of the two is watched. (tests/model brings a ThreadSanitizer of its own, for which
// all is watched.)
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
#else  // clang's is in a package of its own, which tests/model does without
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif
#endif

// Functions that use DPDK's rings: by default those order what they do with fences, which
// ThreadSanitizer doesn't know, and it would see races inside them. What the rings hand over,
// tsan_ring_*() tells.
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
// Not inline: each translation unit's own.
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

/// A mempool hides its free objects from AddressSanitizer; these tell it. No-ops where the library
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

// Static, each translation unit's own: what they do is that unit's choice, and under one name the
// linker would give all of them the first unit's. It still does so with inline functions that call
// them, which no name of ours can part: the library knows them by theirs. So ThreadSanitizer wants
// all units that include bab's headers, or none of them: with some, what it reports may be no race.

/// DPDK's shared libraries are not instrumented: where a buffer crosses lcores inside one of them
/// (mempool ring, PMD), these carry the happens-before edge that is really there.
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

/// The same where either the application's translation unit or the library is not instrumented:
/// buffers and bytes cross lcores in the other one, too. Not null: g++ warns of what would follow
/// if it were.
static inline void tsan_leaves([[maybe_unused]] const void* p) noexcept {
  if (kTsanMixed) tsan_release(p);
}

static inline void tsan_comes([[maybe_unused]] const void* p) noexcept {
  if (kTsanMixed) tsan_acquire(p);
}

/// What they are told of flushes by: of any writer. In the library, as all that is shared.
extern char tsan_flushes;

}  // namespace bab::detail
