#pragma once

#include <bab/detail/build.hpp>

#include <atomic>

#include <bab/base/spsc_ring.hpp>

namespace bab {

/// The atomics and rings with which the lock-free parts reach memory that several lcores share.
/// Every lock-free part takes them as its template parameter `Atom`. A test's interleaving explorer
/// gives its own `Atom` and runs the very same code under its own scheduler. RealAtom is the one
/// for production.
struct RealAtom {
  template <class T>
  using Atomic = std::atomic<T>;

  /// An atomic view of a plain integer that foreign code declares, such as DPDK's mbuf.
  template <class T>
  using Ref = std::atomic_ref<T>;

  /// The queue that hands pointers from lcore to lcore.
  template <class T>
  using Ring = SpscRing<T>;
};

}  // namespace bab
