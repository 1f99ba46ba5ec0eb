/// A translation unit that ThreadSanitizer watches, or doesn't: told_main.cpp asks.
#include <bab/detail/sanitizers.hpp>

int TELLS(int* at) {
  bab::detail::tsan_release(at);
  bab::detail::tsan_acquire(at);
  return *at;
}
