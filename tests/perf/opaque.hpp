#pragma once

namespace bench {

/// The compiler knows nothing of the value from here on. Not benchmark::DoNotOptimize on a
/// variable: with that, GCC 12 was seen to leave it unset.
template <class T>
void hide(T& value) noexcept {
  asm volatile("" : "+r"(value));
}

/// The value is used, and all memory may have been read and written.
template <class T>
void use(const T& value) noexcept {
  asm volatile("" : : "r"(value) : "memory");
}

/// All memory may have been read and written.
inline void clobber() noexcept { asm volatile("" : : : "memory"); }

}  // namespace bench
