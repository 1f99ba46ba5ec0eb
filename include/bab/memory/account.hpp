#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

#include <rte_mbuf.h>

namespace bab {

/// What one lcore holds of one buffer. Only that lcore reads and writes it: no atomics. `shares` >
/// 0 while `handles` > 0; the last handle that goes gives up all the shares at once.
struct Account {
  std::uint32_t handles;  ///< Packets, and a writer's or framer's own handle
  std::uint32_t shares;   ///< this lcore's share of mbuf->refcnt
  rte_mbuf* buffer;       ///< valid while handles > 0
};

static_assert(sizeof(Account) == 16);

}  // namespace bab
