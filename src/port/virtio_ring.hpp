#pragma once

#include <cstdint>
#include <optional>

#include <rte_ethdev.h>

namespace bab::detail {

/// Frames in a TX queue of net_virtio that the device has not sent yet; nothing: can't be told. Any
/// thread.
std::optional<std::uint32_t> in_virtio_ring(std::uint16_t port, std::uint16_t queue,
                                            const rte_eth_dev_info& info) noexcept;

}  // namespace bab::detail
