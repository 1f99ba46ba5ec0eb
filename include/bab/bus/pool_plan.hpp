#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace bab {

/// What has buffers of a pool at a time.
struct PoolNeeds {
  std::uint32_t held = 0;     ///< by drivers, in their queues: measured, or one for each descriptor
  std::uint32_t lcores = 1;   ///< that work with the pool
  std::uint32_t cache = 250;  ///< buffers that each of them keeps to itself
  std::uint32_t burst = 32;   ///< frames that an lcore takes at a time
  std::uint32_t writers = 0;  ///< that write into it
  std::uint32_t backlog = 0;  ///< received frames that wait to be read
  std::uint32_t extra = 0;    ///< kept by the application
};

/// How many buffers a pool has, and why.
struct PoolPlan {
  struct Term {
    std::string why;  ///< "open frames of 8 writers, and a buffer set aside for each"
    std::uint32_t buffers;
  };
  std::vector<Term> terms;  ///< without those that are 0
  std::uint32_t buffers = 0;

  /// "1445: 128 in the driver's queues, …".
  [[nodiscard]] std::string text() const;
};

/// The buffers that a pool needs: what drivers hold; what caches would keep if nothing bounded them
/// to a quarter of the pool (1.5 times their size for each lcore); two bursts that each lcore works
/// with; two for each writer, which has one open and one set aside; the backlog and the extra ones.
/// At most 4,294,967,294. Any thread; needs no EAL.
PoolPlan plan_pool(const PoolNeeds& needs);

/// Bytes of memory that a buffer of `data_room` takes, with DPDK's and bab's own of it.
std::uint64_t buffer_bytes(std::uint32_t data_room) noexcept;

}  // namespace bab
