/// The functions that the compiler calls in code instrumented for ThreadSanitizer. They pass the
/// accesses on to Memory.
#include <cstdint>
#include <cstring>

#include <rte_mbuf.h>

#include "machine.hpp"
#include "memory.hpp"

using bab::test::model::Machine;
using bab::test::model::Memory;

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

#define BAB_PLAIN(bytes)                                                                 \
  void __tsan_read##bytes(void* at) { Memory::plain(at, bytes, false); }                 \
  void __tsan_write##bytes(void* at) { Memory::plain(at, bytes, true); }                 \
  void __tsan_unaligned_read##bytes(const void* at) { Memory::plain(at, bytes, false); } \
  void __tsan_unaligned_write##bytes(void* at) { Memory::plain(at, bytes, true); }
BAB_PLAIN(1)
BAB_PLAIN(2)
BAB_PLAIN(4)
BAB_PLAIN(8)
BAB_PLAIN(16)
#undef BAB_PLAIN

void __tsan_read_range(void* at, unsigned long bytes) { Memory::plain(at, bytes, false); }
void __tsan_write_range(void* at, unsigned long bytes) { Memory::plain(at, bytes, true); }

#define BAB_ATOMIC(bits)                                                                         \
  std::uint##bits##_t __tsan_atomic##bits##_load(const volatile std::uint##bits##_t* at,         \
                                                 int order) {                                    \
    return static_cast<std::uint##bits##_t>(Memory::load(at, bits / 8, order));                  \
  }                                                                                              \
  void __tsan_atomic##bits##_store(volatile std::uint##bits##_t* at, std::uint##bits##_t value,  \
                                   int order) {                                                  \
    Memory::store(at, bits / 8, value, order);                                                   \
  }                                                                                              \
  BAB_RMW(bits, exchange, kSet)                                                                  \
  BAB_RMW(bits, fetch_add, kAdd)                                                                 \
  BAB_RMW(bits, fetch_sub, kSub)                                                                 \
  BAB_RMW(bits, fetch_and, kAnd)                                                                 \
  BAB_RMW(bits, fetch_or, kOr)                                                                   \
  BAB_RMW(bits, fetch_xor, kXor)                                                                 \
  BAB_EXCHANGE(bits, strong)                                                                     \
  BAB_EXCHANGE(bits, weak)                                                                       \
  std::uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                                \
      volatile std::uint##bits##_t* at, std::uint##bits##_t expected, std::uint##bits##_t value, \
      int order, int failure_order) {                                                            \
    return static_cast<std::uint##bits##_t>(                                                     \
        Memory::compare_exchange(at, bits / 8, expected, value, order, failure_order));          \
  }
#define BAB_RMW(bits, name, what)                                                          \
  std::uint##bits##_t __tsan_atomic##bits##_##name(volatile std::uint##bits##_t* at,       \
                                                   std::uint##bits##_t value, int order) { \
    return static_cast<std::uint##bits##_t>(                                               \
        Memory::rmw(at, bits / 8, Memory::Rmw::what, value, order));                       \
  }
#define BAB_EXCHANGE(bits, kind)                                                                  \
  int __tsan_atomic##bits##_compare_exchange_##kind(                                              \
      volatile std::uint##bits##_t* at, std::uint##bits##_t* expected, std::uint##bits##_t value, \
      int order, int failure_order) {                                                             \
    const auto found = static_cast<std::uint##bits##_t>(                                          \
        Memory::compare_exchange(at, bits / 8, *expected, value, order, failure_order));          \
    return found == *expected ? 1 : (*expected = found, 0);                                       \
  }
BAB_ATOMIC(8)
BAB_ATOMIC(16)
BAB_ATOMIC(32)
BAB_ATOMIC(64)
#undef BAB_ATOMIC
#undef BAB_RMW
#undef BAB_EXCHANGE

void __tsan_atomic_thread_fence(int order) { Memory::fence(order); }
void __tsan_atomic_signal_fence(int) {}

// In production code only the two ends of a mempool call these functions (detail::tsan_release,
// detail::tsan_acquire). A buffer that goes back belongs to nobody until the mempool gives it out
// again.
void __tsan_release(void* p) {
  auto* m = static_cast<rte_mbuf*>(p);
  Machine::point();
  Memory::freed(m, static_cast<std::size_t>(static_cast<char*>(m->buf_addr) + m->buf_len -
                                            static_cast<char*>(p)));
  Memory::release(p);
  Machine::changed();
}
void __tsan_acquire(void* p) {
  Memory::allocated(p);
  Memory::acquire(p);
}

// The compiler leaves these calls to ThreadSanitizer's library. The linker redirects them to these
// functions (--wrap).
void* __real_memcpy(void* to, const void* from, std::size_t bytes);
void* __real_memmove(void* to, const void* from, std::size_t bytes);
void* __real_memset(void* to, int value, std::size_t bytes);
int __real_memcmp(const void* a, const void* b, std::size_t bytes);

void* __wrap_memcpy(void* to, const void* from, std::size_t bytes) {
  Memory::plain(from, bytes, false);
  Memory::plain(to, bytes, true);
  return __real_memcpy(to, from, bytes);
}
void* __wrap_memmove(void* to, const void* from, std::size_t bytes) {
  Memory::plain(from, bytes, false);
  Memory::plain(to, bytes, true);
  return __real_memmove(to, from, bytes);
}
void* __wrap_memset(void* to, int value, std::size_t bytes) {
  Memory::plain(to, bytes, true);
  return __real_memset(to, value, bytes);
}
int __wrap_memcmp(const void* a, const void* b, std::size_t bytes) {
  Memory::plain(a, bytes, false);
  Memory::plain(b, bytes, false);
  return __real_memcmp(a, b, bytes);
}
void* __tsan_memcpy(void* to, const void* from, std::size_t n) {
  return __wrap_memcpy(to, from, n);
}
void* __tsan_memmove(void* to, const void* from, std::size_t n) {
  return __wrap_memmove(to, from, n);
}
void* __tsan_memset(void* to, int value, std::size_t n) { return __wrap_memset(to, value, n); }
}
