#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace bab {

/// Who holds buffers of a pool at the same time, and how many.
struct PoolNeeds {
  /// Buffers in the queues of drivers: measured, or one for each descriptor.
  std::uint32_t held = 0;
  std::uint32_t lcores = 1;   ///< lcores that work with the pool
  std::uint32_t cache = 250;  ///< buffers that each lcore keeps to itself
  std::uint32_t burst = 32;   ///< frames that an lcore takes at a time
  std::uint32_t writers = 0;  ///< writers that write into the pool
  std::uint32_t backlog = 0;  ///< received frames that wait to be read
  std::uint32_t reading = 0;  ///< received frames that readers have taken, beyond the backlog
  std::uint32_t extra = 0;    ///< buffers that the application keeps
};

/// How many buffers a pool has, and why.
struct PoolPlan {
  struct Term {
    std::string why;  ///< "open frames of 8 writers, and a buffer set aside for each"
    std::uint32_t buffers;
  };
  std::vector<Term> terms;  ///< terms of 0 buffers are left out
  std::uint32_t buffers = 0;

  /// "1445: 128 in the driver's queues, …".
  [[nodiscard]] std::string text() const;
};

/// The buffers that a pool needs. This is the sum of:
///
/// - the buffers that drivers hold;
/// - 1.5 times the cache's size for each lcore, which caches would keep if they were not bounded to
///   a quarter of the pool;
/// - two bursts for each lcore, which it works with;
/// - two for each writer: an open frame, and a buffer set aside;
/// - the backlog, the frames that readers have taken, and the extra buffers.
///
/// At most 4,294,967,294. Any thread; needs no EAL.
PoolPlan plan_pool(const PoolNeeds& needs);

/// Bytes of memory that a buffer of `data_room` bytes takes, with the headers that DPDK and bab put
/// before it. Any thread; needs no EAL.
std::uint64_t buffer_bytes(std::uint32_t data_room) noexcept;

}  // namespace bab
