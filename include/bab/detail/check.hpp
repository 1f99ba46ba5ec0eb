#pragma once

#include <bab/detail/build.hpp>

namespace bab::detail {

/// Whether debug checks are on. The library decides that for all: inline functions and the library
/// keep notes for the checks in the same place (BufferMeta::is_free).
#ifdef BAB_MODELS_MEMORY  // tests/model compiles the code that shares these notes itself
inline constexpr bool kChecks = true;
#else
inline constexpr bool kChecks = BAB_LIBRARY_CHECKS != 0;
#endif

/// Does what a failed assert() does.
[[noreturn]] void check_failed(const char* what, const char* file, unsigned line,
                               const char* function) noexcept;

}  // namespace bab::detail

/// assert() that depends on kChecks, not on the translation unit's NDEBUG. For headers. (No `if
/// constexpr`: code that it leaves out counts as unused, and clang warns about a lambda that
/// captures something for it.)
#define BAB_ASSERT(condition)                                                \
  do {                                                                       \
    if (::bab::detail::kChecks && !(condition))                              \
      ::bab::detail::check_failed(#condition, __FILE__, __LINE__, __func__); \
  } while (false)
