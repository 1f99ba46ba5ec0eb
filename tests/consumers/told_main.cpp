/// Finds out which translation units tell ThreadSanitizer of bab's ordering. ThreadSanitizer
/// itself isn't linked: the functions below stand for its runtime and count the calls.
#include <cstdio>

#include <bab/detail/build.hpp>

int told_by_watched(int* at);
int told_by_plain(int* at);

extern "C" void __tsan_release(void* at) { ++*static_cast<int*>(at); }
extern "C" void __tsan_acquire(void* at) { ++*static_cast<int*>(at); }

int main() {
  int watched = 0, plain = 0;
  told_by_watched(&watched);
  told_by_plain(&plain);
  std::printf("watched %d, plain %d\n", watched, plain);
  return watched == 2 && plain == (BAB_LIBRARY_TSAN ? 2 : 0) ? 0 : 1;
}
