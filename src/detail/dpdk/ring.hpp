#pragma once

#include <rte_ring.h>

namespace bab::detail {

/// rte_ring_create_elem(), declared by the name of its symbol: since DPDK 24.11 rte_ring_elem.h
/// declares it outside of extern "C", and C++ would look for a mangled name.
extern "C" rte_ring* create_element_ring(const char* name, unsigned bytes, unsigned count,
                                         int socket,
                                         unsigned flags) __asm__("rte_ring_create_elem");

}  // namespace bab::detail
