#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace bench {
namespace {
std::atomic<std::uint64_t> calls{0};

void* counted(std::size_t bytes) {
  calls.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(bytes > 0 ? bytes : 1)) return p;
  throw std::bad_alloc();
}

void* counted(std::size_t bytes, std::align_val_t alignment) {
  calls.fetch_add(1, std::memory_order_relaxed);
  const auto a = static_cast<std::size_t>(alignment);
  if (void* p = std::aligned_alloc(a, (bytes + a - 1) / a * a)) return p;
  throw std::bad_alloc();
}
}  // namespace

std::uint64_t allocations() noexcept { return calls.load(std::memory_order_relaxed); }

}  // namespace bench

void* operator new(std::size_t bytes) { return bench::counted(bytes); }
void* operator new(std::size_t bytes, std::align_val_t a) { return bench::counted(bytes, a); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
