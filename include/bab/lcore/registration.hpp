#pragma once

#include <bab/detail/build.hpp>

namespace bab {

/// Makes the calling thread, which EAL did not start, an lcore for as long as the object is there:
/// it may then use pools, Packets, writers and an Lcore of its own. At the end what its buffer
/// caches keep goes back to their pools; its Packets must be gone. Construct and destroy on the
/// same thread.
class LcoreRegistration {
 public:
  /// Throws Error: the thread is an lcore already, or all of DPDK's lcore ids (128) are taken.
  LcoreRegistration();
  LcoreRegistration(const LcoreRegistration&) = delete;
  LcoreRegistration& operator=(const LcoreRegistration&) = delete;
  ~LcoreRegistration();

  [[nodiscard]] unsigned lcore() const noexcept { return lcore_; }

 private:
  unsigned lcore_;
};

}  // namespace bab
