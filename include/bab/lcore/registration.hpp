#pragma once

#include <bab/detail/build.hpp>

namespace bab {

/// Makes the calling thread, which EAL did not start, an lcore for as long as this object exists.
/// The thread may then use pools, Packets, writers and an Lcore of its own. Its Packets
/// must have gone before the destructor, which gives the buffers in the thread's caches back to
/// their pools. Construct and destroy it on the same thread.
class LcoreRegistration {
 public:
  /// Throws Error: the thread is an lcore already, or all lcore ids of DPDK (128) are in use.
  LcoreRegistration();
  LcoreRegistration(const LcoreRegistration&) = delete;
  LcoreRegistration& operator=(const LcoreRegistration&) = delete;
  ~LcoreRegistration();

  [[nodiscard]] unsigned lcore() const noexcept { return lcore_; }

 private:
  unsigned lcore_;
};

}  // namespace bab
