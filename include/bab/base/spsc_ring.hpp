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

/// rte_ring_count() for a ring that another lcore is using. (rte_ring_count() itself reads, by
/// plain loads, words which that lcore writes.) Relaxed: a later enqueue or dequeue is ordered by
/// its own loads, which see these values or later ones.
inline unsigned ring_count(const rte_ring& ring) noexcept {
  const std::uint32_t in = __atomic_load_n(&ring.prod.tail, __ATOMIC_RELAXED);
  const std::uint32_t out = __atomic_load_n(&ring.cons.tail, __ATOMIC_RELAXED);
  return std::min((in - out) & ring.mask, ring.capacity);
}

/// rte_ring.h's functions are inlined, and read and write items as 64-bit words, whatever the
/// items' type. A compiler that uses type-based aliasing takes these words for other objects: Clang
/// 14 left out the stores of pointers. Called before and after each such function, this ties the
/// words to the objects that `items` points to. It emits no instruction. Pass its result to the
/// function: GCC 12 warns about the loop over four items at a time if it sees an array of one.
template <class T>
T* ring_reads_and_writes(T* items) noexcept {
  asm volatile("" : "+r"(items) : : "memory");
  return items;
}

/// These two tell ThreadSanitizer about the hand-over in builds in which it can't see it: the first
/// before items are put into a ring, the second after items were taken out. They use the word by
/// which ThreadSanitizer sees the hand-over in other builds.
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

/// A bounded queue of pointers from one lcore to one lcore: DPDK's rte_ring with a single producer
/// and a single consumer. One thread at a time may call `push`, and one thread at a time `pop`;
/// both may be the same thread. A moved-from ring may only be assigned to or destroyed. A push
/// happens before the pop that returns its item (rte_ring's store-release and load-acquire of its
/// tail).
template <class T>
class SpscRing {
 public:
  /// Holds at least `capacity` pointers, 1 … 2^31 - 2. `socket`: the NUMA node of its memory.
  /// Throws Error: `capacity` is out of range, no memory, no EAL, a secondary process, a child of
  /// fork().
  explicit SpscRing(std::uint32_t capacity, int socket = SOCKET_ID_ANY);

  /// The producer: puts in as many of `items` as fit, in order, and returns how many.
  BAB_RINGS_UNWATCHED unsigned push(std::span<T* const> items) noexcept {
    detail::tsan_ring_gets(*ring_);
    T* const* const from = detail::ring_reads_and_writes(items.data());
    const unsigned n = rte_ring_sp_enqueue_burst(ring_.get(), reinterpret_cast<void* const*>(from),
                                                 static_cast<unsigned>(items.size()), nullptr);
    detail::ring_reads_and_writes(items.data());
    return n;
  }

  /// The consumer: takes out as many as there are, at most out.size(), in order, and returns how
  /// many.
  BAB_RINGS_UNWATCHED unsigned pop(std::span<T*> out) noexcept {
    T** const to = detail::ring_reads_and_writes(out.data());
    const unsigned n = rte_ring_sc_dequeue_burst(ring_.get(), reinterpret_cast<void**>(to),
                                                 static_cast<unsigned>(out.size()), nullptr);
    detail::ring_reads_and_writes(out.data());
    if (n > 0) detail::tsan_ring_gave(*ring_);
    return n;
  }

  /// Items in the ring; a snapshot while another thread uses it. Any thread.
  [[nodiscard]] unsigned size() const noexcept { return detail::ring_count(*ring_); }
  [[nodiscard]] unsigned capacity() const noexcept { return rte_ring_get_capacity(ring_.get()); }

  /// For DPDK's own functions. Still only one producer and one consumer may use it.
  [[nodiscard]] rte_ring* raw() const noexcept { return ring_.get(); }

 private:
  std::unique_ptr<rte_ring, detail::RingDeleter> ring_;
};

namespace detail {
/// Makes an SP/SC ring of items of `bytes` bytes, a multiple of 4. Throws Error as SpscRing() does.
rte_ring* make_element_ring(unsigned bytes, std::uint32_t capacity, int socket);
}  // namespace detail

template <class T>
SpscRing<T>::SpscRing(std::uint32_t capacity, int socket)
    : ring_(detail::make_element_ring(sizeof(T*), capacity, socket)) {}

}  // namespace bab
