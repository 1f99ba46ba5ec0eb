#include "virtio_ring.hpp"

#include <array>
#include <cstddef>
#include <cstdio>
#include <string_view>

#include <rte_common.h>
#include <rte_memzone.h>

namespace bab::detail {
namespace {

/// The layout of a split virtqueue that DPDK gives to devices (virtio 1.1, 2.6; its legacy
/// alignment of 4096 for all).
constexpr std::size_t kAlign = 4096, kDescriptor = 16, kHead = 4, kAvailable = 2, kUsed = 8;
/// In either head: 16 bits of flags, then how many there have been, modulo 2^16.
constexpr std::size_t kIndex = 2;

constexpr std::size_t used_at(std::size_t entries) {
  return RTE_ALIGN_CEIL(entries * kDescriptor + kHead + entries * kAvailable, kAlign);
}
constexpr std::size_t bytes_of(std::size_t entries) {
  return RTE_ALIGN_CEIL(used_at(entries) + kHead + entries * kUsed, kAlign);
}

/// 0: not known. Below 256 several have the same length.
std::size_t entries_of(std::size_t bytes) {
  constexpr std::size_t kLeast = 256, kMost = 32'768;
  for (std::size_t n = kLeast; n <= kMost; n *= 2)
    if (bytes_of(n) == bytes) return n;
  return 0;
}
static_assert(bytes_of(128) < bytes_of(256) && bytes_of(256) < bytes_of(512));

std::uint16_t index_at(const void* ring, std::size_t offset) {
  const auto* head = static_cast<const std::byte*>(ring) + offset + kIndex;
  return __atomic_load_n(reinterpret_cast<const std::uint16_t*>(head), __ATOMIC_ACQUIRE);
}

}  // namespace

/// The driver has neither descriptors' status nor a cleanup, and counts a frame when it takes it.
/// But its ring is what the standard says, and lies under this name (22.11 to 25.11).
std::optional<std::uint32_t> in_virtio_ring(std::uint16_t port, std::uint16_t queue,
                                            const rte_eth_dev_info& info) noexcept {
  constexpr std::uint32_t kMostOfASplitRing =
      32'768;  // the driver's limit where the device has no packed ones
  const std::string_view driver = info.driver_name;
  if (!driver.starts_with("net_virtio") || info.tx_desc_lim.nb_max != kMostOfASplitRing) return {};
  std::array<char, RTE_MEMZONE_NAMESIZE> name{};
  std::snprintf(name.data(), name.size(), "port%u_vq%u", unsigned{port}, 2U * queue + 1);
  const rte_memzone* zone = rte_memzone_lookup(name.data());
  const std::size_t entries = zone != nullptr ? entries_of(zone->len) : 0;
  if (entries == 0) return {};
  // What is done first: more may be made available meanwhile, and then a frame too many is waited
  // for.
  const std::uint16_t done = index_at(zone->addr, used_at(entries));
  const auto waiting =
      static_cast<std::uint16_t>(index_at(zone->addr, entries * kDescriptor) - done);
  if (waiting > entries) return {};
  return waiting;
}

}  // namespace bab::detail
