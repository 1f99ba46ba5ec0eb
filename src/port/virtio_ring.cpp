#include "virtio_ring.hpp"

#include <array>
#include <cstddef>
#include <cstdio>
#include <string_view>

#include <rte_common.h>
#include <rte_memzone.h>

namespace bab::detail {
namespace {

/// The layout of a split virtqueue as DPDK makes it (virtio 1.1, 2.6; the legacy alignment of 4096
/// for all devices). Sizes in bytes.
constexpr std::size_t kAlign = 4096, kDescriptor = 16, kHead = 4, kAvailable = 2, kUsed = 8;
/// In both heads: 16 bits of flags, then the number of entries so far, modulo 2^16.
constexpr std::size_t kIndex = 2;

constexpr std::size_t used_at(std::size_t entries) {
  return RTE_ALIGN_CEIL(entries * kDescriptor + kHead + entries * kAvailable, kAlign);
}
constexpr std::size_t bytes_of(std::size_t entries) {
  return RTE_ALIGN_CEIL(used_at(entries) + kHead + entries * kUsed, kAlign);
}

/// The entries of a ring of `bytes`; 0: not known. Below 256 entries several sizes have the same
/// length.
std::size_t entries_of(std::size_t bytes) {
  constexpr std::size_t kLeast = 256, kMax = 32'768;
  for (std::size_t n = kLeast; n <= kMax; n *= 2)
    if (bytes_of(n) == bytes) return n;
  return 0;
}
static_assert(bytes_of(128) < bytes_of(256) && bytes_of(256) < bytes_of(512));

std::uint16_t index_at(const void* ring, std::size_t offset) {
  const auto* head = static_cast<const std::byte*>(ring) + offset + kIndex;
  // A53: pairs with R53, which is not in this tree: the driver's and the device's stores.
  return __atomic_load_n(reinterpret_cast<const std::uint16_t*>(head), __ATOMIC_ACQUIRE);
}

}  // namespace

/// The driver reports no descriptor status and has no cleanup, and it counts a frame when it takes
/// it. But its ring has the layout of the standard, and lies in a memzone of this name (22.11 to
/// 25.11).
std::optional<std::uint32_t> in_virtio_ring(std::uint16_t port, std::uint16_t queue,
                                            const rte_eth_dev_info& info) noexcept {
  // The driver's limit if the device has no packed rings.
  constexpr std::uint32_t kMaxOfASplitRing = 32'768;
  const std::string_view driver = info.driver_name;
  if (!driver.starts_with("net_virtio") || info.tx_desc_lim.nb_max != kMaxOfASplitRing) return {};
  std::array<char, RTE_MEMZONE_NAMESIZE> name{};
  std::snprintf(name.data(), name.size(), "port%u_vq%u", unsigned{port}, 2U * queue + 1);
  const rte_memzone* zone = rte_memzone_lookup(name.data());
  const std::size_t entries = zone != nullptr ? entries_of(zone->len) : 0;
  if (entries == 0) return {};
  // The `used` index is read first: if more frames come meanwhile, the result is a frame too many
  // and not one too few.
  const std::uint16_t done = index_at(zone->addr, used_at(entries));
  const auto waiting =
      static_cast<std::uint16_t>(index_at(zone->addr, entries * kDescriptor) - done);
  if (waiting > entries) return {};
  return waiting;
}

}  // namespace bab::detail
