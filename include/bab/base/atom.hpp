#pragma once

#include <bab/detail/build.hpp>

#include <atomic>

#include <bab/base/spsc_ring.hpp>

namespace bab {

/// What the lock-free parts use to reach memory that several lcores share. Every such part takes it
/// as a template parameter `Atom`, so that an interleaving explorer can put its own scheduler under
/// the very same code. This is the one production uses.
struct RealAtom {
  template <class T>
  using Atomic = std::atomic<T>;

  /// An atomic view of a plain integer that others (DPDK's mbuf) declare.
  template <class T>
  using Ref = std::atomic_ref<T>;

  /// The queue that hands pointers from lcore to lcore.
  template <class T>
  using Ring = SpscRing<T>;
};

}  // namespace bab
