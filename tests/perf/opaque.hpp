#pragma once

namespace bench {

/// From here on the compiler knows nothing about the value. benchmark::DoNotOptimize on a variable
/// isn't used: GCC 12 left the variable unset.
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
