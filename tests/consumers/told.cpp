/// A translation unit that ThreadSanitizer watches or doesn't watch. told_main.cpp checks both.
#include <bab/detail/sanitizers.hpp>

int TELLS(int* at) {
  bab::detail::tsan_release(at);
  bab::detail::tsan_acquire(at);
  return *at;
}
