#pragma once

namespace bench {

/// After this call the compiler knows nothing about the value. This replaces
/// benchmark::DoNotOptimize, with which GCC 12 left the variable unset.
template <class T>
void hide(T& value) noexcept {
  asm volatile("" : "+r"(value));
}

/// The compiler must assume that the value is used, and that all memory is read and written.
template <class T>
void use(const T& value) noexcept {
  asm volatile("" : : "r"(value) : "memory");
}

/// The compiler must assume that all memory is read and written.
inline void clobber() noexcept { asm volatile("" : : : "memory"); }

}  // namespace bench
