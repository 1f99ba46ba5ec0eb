#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

#include <rte_mbuf.h>

namespace bab {

/// What one lcore holds of one buffer. Only that lcore reads or writes it: no atomics.
/// `shares` > 0 whenever `handles` > 0; the last handle to go gives up all the shares at once.
struct Account {
  std::uint32_t handles;  ///< Packets (and a writer's or framer's own hold)
  std::uint32_t shares;   ///< of mbuf->refcnt, in this lcore's name
  rte_mbuf* buffer;       ///< valid while handles > 0
};

static_assert(sizeof(Account) == 16);

}  // namespace bab
