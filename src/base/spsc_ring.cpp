#include <bab/base/spsc_ring.hpp>

#include <atomic>

#include <fmt/format.h>
#include <rte_errno.h>

#include <bab/base/error.hpp>

namespace bab::detail {

std::string unique_ring_name() {
  static std::atomic<unsigned> next{0};
  return fmt::format("bab_ring_{}", next.fetch_add(1, std::memory_order_relaxed));
}

rte_ring* make_element_ring(unsigned bytes, std::uint32_t capacity, int socket) {
  if (capacity == 0) throw Error("creating a ring for 0 items: it would never carry any");
  // From here on rte_ring_create rounds up to 2^32, which it takes for 0.
  if (capacity >= RTE_RING_SZ_MASK)
    throw Error(fmt::format("creating a ring for {} items: it can hold {} at most", capacity,
                            RTE_RING_SZ_MASK - 1));
  rte_ring* ring = rte_ring_create_elem(unique_ring_name().c_str(), bytes, capacity, socket,
                                        RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
  if (ring == nullptr)
    throw Error::from_code(fmt::format("creating a ring for {} items of {} bytes", capacity, bytes),
                           rte_errno,
                           "give more memory (EAL's -m or --socket-mem) or use fewer buffers");
  return ring;
}

}  // namespace bab::detail
