#include <bab/base/spsc_ring.hpp>

#include <atomic>
#include <string>

#include <fmt/format.h>
#include <rte_errno.h>

#include <bab/base/error.hpp>
#include <bab/detail/eal_use.hpp>

#include "../detail/dpdk/ring.hpp"

namespace bab::detail {
namespace {

/// Names rings "bab_ring_7". DPDK finds rings by name, and another copy of this library in the
/// process (a plugin's) has its own counter. Therefore a name that is taken is skipped.
rte_ring* create(unsigned bytes, std::uint32_t capacity, int socket) {
  static std::atomic<unsigned> next{0};
  while (true) {
    const std::string name =
        fmt::format("bab_ring_{}", next.fetch_add(1, std::memory_order_relaxed));
    rte_ring* ring = create_element_ring(name.c_str(), bytes, capacity, socket,
                                         RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
    if (ring != nullptr || rte_errno != EEXIST) return ring;
  }
}

}  // namespace

void RingDeleter::operator()(rte_ring* ring) const noexcept {
  if (eal_is_there()) rte_ring_free(ring);
  stop_using_eal();
}

rte_ring* make_element_ring(unsigned bytes, std::uint32_t capacity, int socket) {
  if (capacity == 0) throw Error("creating a ring for 0 items: a ring holds 1 item or more");
  // rte_ring_create rounds higher capacities up to 2^32, which it reads as 0.
  if (capacity >= RTE_RING_SZ_MASK)
    throw Error(fmt::format("creating a ring for {} items: a ring holds at most {}", capacity,
                            RTE_RING_SZ_MASK - 1));
  const std::string tried =
      fmt::format("creating a ring for {} items of {} bytes", capacity, bytes);
  use_eal(tried);
  rte_ring* ring = create(bytes, capacity, socket);
  if (ring == nullptr) {
    const int code = rte_errno;
    stop_using_eal();
    throw Error::from_code(tried, code,
                           "give more memory (EAL's -m or --socket-mem) or use fewer buffers");
  }
  return ring;
}

}  // namespace bab::detail
