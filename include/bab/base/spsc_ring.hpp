#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include <rte_ring.h>

#include <bab/detail/sanitizers.hpp>

namespace bab {

namespace detail {
struct RingDeleter {
  void operator()(rte_ring* ring) const noexcept;
};

/// rte_ring_count() for a ring that another lcore uses meanwhile: that one reads by plain loads
/// what the other writes. Relaxed: what an enqueue or dequeue then does is ordered by its own
/// loads, which see this or later.
inline unsigned ring_count(const rte_ring& ring) noexcept {
  const std::uint32_t in = __atomic_load_n(&ring.prod.tail, __ATOMIC_RELAXED);
  const std::uint32_t out = __atomic_load_n(&ring.cons.tail, __ATOMIC_RELAXED);
  return std::min((in - out) & ring.mask, ring.capacity);
}

/// rte_ring.h, which is inlined, reads and writes items as 64-bit words, whatever they are: to a
/// compiler that goes by types those are other objects (Clang 14 left the stores of pointers out).
/// Before and after each call of it, this ties the words to the objects that `items` points to. No
/// instruction by itself. The call is given what this returns: GCC 12 warns of a loop over four
/// when it sees that there is one.
template <class T>
T* ring_reads_and_writes(T* items) noexcept {
  asm volatile("" : "+r"(items) : : "memory");
  return items;
}

/// Before what is put into a ring, and after what is taken out: ThreadSanitizer is told where it
/// doesn't see that. By the word through which it sees it elsewhere.
static inline void tsan_ring_gets([[maybe_unused]] const rte_ring& ring) noexcept {
#if defined(BAB_TSAN_MIXED) || (defined(BAB_TSAN_HERE) && !defined(RTE_USE_C11_MEM_MODEL))
  tsan_release(&ring.prod.tail);
#endif
}
static inline void tsan_ring_gave([[maybe_unused]] const rte_ring& ring) noexcept {
#if defined(BAB_TSAN_MIXED) || (defined(BAB_TSAN_HERE) && !defined(RTE_USE_C11_MEM_MODEL))
  tsan_acquire(&ring.prod.tail);
#endif
}
}  // namespace detail

/// A bounded queue of pointers from one lcore to one lcore: DPDK's rte_ring, SP/SC.
/// `push` may be called by one thread and `pop` by one thread at a time; they may be the same.
/// One that was moved from may only be assigned to or go.
/// What is pushed happens before what is popped (rte_ring's tail store-release / load-acquire).
template <class T>
class SpscRing {
 public:
  /// Holds at least `capacity` pointers. Throws Error: there is no memory for it, no EAL, or this
  /// is a secondary process.
  explicit SpscRing(std::uint32_t capacity, int socket = SOCKET_ID_ANY);

  /// Takes as many as fit, in order, and says how many.
  BAB_RINGS_UNWATCHED unsigned push(std::span<T* const> items) noexcept {
    detail::tsan_ring_gets(*ring_);
    T* const* const from = detail::ring_reads_and_writes(items.data());
    const unsigned n = rte_ring_sp_enqueue_burst(ring_.get(), reinterpret_cast<void* const*>(from),
                                                 static_cast<unsigned>(items.size()), nullptr);
    detail::ring_reads_and_writes(items.data());
    return n;
  }

  /// Gives as many as there are, at most out.size(), in order, and says how many.
  BAB_RINGS_UNWATCHED unsigned pop(std::span<T*> out) noexcept {
    T** const to = detail::ring_reads_and_writes(out.data());
    const unsigned n = rte_ring_sc_dequeue_burst(ring_.get(), reinterpret_cast<void**>(to),
                                                 static_cast<unsigned>(out.size()), nullptr);
    detail::ring_reads_and_writes(out.data());
    if (n > 0) detail::tsan_ring_gave(*ring_);
    return n;
  }

  /// A moment's figure when the other side is running.
  [[nodiscard]] unsigned size() const noexcept { return detail::ring_count(*ring_); }
  [[nodiscard]] unsigned capacity() const noexcept { return rte_ring_get_capacity(ring_.get()); }

  /// For DPDK's own functions; the one-producer, one-consumer rule stays.
  [[nodiscard]] rte_ring* raw() const noexcept { return ring_.get(); }

 private:
  std::unique_ptr<rte_ring, detail::RingDeleter> ring_;
};

namespace detail {
/// An SP/SC ring of items of `bytes`, a multiple of 4. Throws Error.
rte_ring* make_element_ring(unsigned bytes, std::uint32_t capacity, int socket);
}  // namespace detail

template <class T>
SpscRing<T>::SpscRing(std::uint32_t capacity, int socket)
    : ring_(detail::make_element_ring(sizeof(T*), capacity, socket)) {}

}  // namespace bab
