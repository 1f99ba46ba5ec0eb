#pragma once

#include <rte_ring.h>

namespace bab::detail {

/// rte_ring_create_elem(), by its name in the library: since DPDK 24.11 rte_ring_elem.h declares it
/// outside of extern "C", so that C++ would look for another one.
extern "C" rte_ring* create_element_ring(const char* name, unsigned bytes, unsigned count,
                                         int socket,
                                         unsigned flags) __asm__("rte_ring_create_elem");

}  // namespace bab::detail
