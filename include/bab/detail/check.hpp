#pragma once

#include <bab/detail/build.hpp>

namespace bab::detail {

/// Whether debug checks are on. They are the library's property: inline functions and the library
/// keep notes for them in one place (BufferMeta::is_free), so that all must, or none.
#ifdef BAB_MODELS_MEMORY  // tests/model has its own copies of what shares them
inline constexpr bool kChecks = true;
#else
inline constexpr bool kChecks = BAB_LIBRARY_CHECKS != 0;
#endif

/// Does what a failed assert() does.
[[noreturn]] void check_failed(const char* what, const char* file, unsigned line,
                               const char* function) noexcept;

}  // namespace bab::detail

/// assert(), by kChecks and not by the translation unit's NDEBUG. For headers. (No `if constexpr`:
/// what it leaves out counts as not used, and clang warns of a lambda that captures it.)
#define BAB_ASSERT(condition)                                                \
  do {                                                                       \
    if (::bab::detail::kChecks && !(condition))                              \
      ::bab::detail::check_failed(#condition, __FILE__, __LINE__, __func__); \
  } while (false)
