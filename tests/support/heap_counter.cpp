#include "heap_counter.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#if !defined(BAB_ASAN) && !defined(BAB_TSAN)

using bab::test::HeapCounter;

// Every shared library uses the executable's definitions, not the C library's. glibc has its own
// under these names, too.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t n) noexcept {
  ++HeapCounter::mallocs;
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  ++HeapCounter::mallocs;
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) noexcept {
  ++HeapCounter::mallocs;
  return __libc_realloc(p, n);
}
void* memalign(std::size_t align, std::size_t n) noexcept {
  ++HeapCounter::mallocs;
  return __libc_memalign(align, n);
}
void* aligned_alloc(std::size_t align, std::size_t n) noexcept {
  ++HeapCounter::mallocs;
  return __libc_memalign(align, n);
}
int posix_memalign(void** p, std::size_t align, std::size_t n) noexcept {
  ++HeapCounter::mallocs;
  *p = __libc_memalign(align, n);
  return *p == nullptr ? ENOMEM : 0;
}
void free(void* p) noexcept {
  if (p != nullptr) ++HeapCounter::frees;
  __libc_free(p);
}
}

namespace {
void count_new() {
  ++HeapCounter::news;
  if (HeapCounter::fails_at > 0 && --HeapCounter::fails_at == 0) throw std::bad_alloc();
}
}  // namespace

// operator new and delete for arrays, nothrow and sizes call these.
void* operator new(std::size_t n) {
  count_new();
  if (void* p = std::malloc(n)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t n, std::align_val_t align) {
  count_new();
  if (void* p = memalign(static_cast<std::size_t>(align), n)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
  ++HeapCounter::deletes;
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  ++HeapCounter::deletes;
  std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
  ++HeapCounter::deletes;
  std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  ++HeapCounter::deletes;
  std::free(p);
}

#endif
