#include <bab/port/rx_buffers.hpp>

#include <algorithm>
#include <bit>
#include <limits>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <bab/port/offloads.hpp>

namespace bab {
namespace {

/// Bytes that drivers want besides the frame: virtio for its own header of 12 bytes, others for a
/// second VLAN tag.
constexpr std::uint32_t kDriversOwn = 16;
constexpr std::uint32_t kStep = 1024;
constexpr std::uint32_t kLeast = RTE_MBUF_DEFAULT_DATAROOM;  // what every driver takes
constexpr std::uint32_t kMax = std::numeric_limits<std::uint16_t>::max();  // of an mbuf

}  // namespace

bool can_split(const rte_eth_dev_info& device) noexcept {
  return (device.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0 &&
         !is_memory_port(device.driver_name);
}

std::string_view split_name(FrameSplit split) noexcept {
  switch (split) {
    case FrameSplit::kUnknown:
      return "unknown";
    case FrameSplit::kWhole:
      return "whole";
    case FrameSplit::kPossible:
      return "may be split";
    case FrameSplit::kSplit:
      return "split";
  }
  return "unknown";
}

FrameSplit judge_split(std::uint32_t frame, std::uint32_t bytes, const RxQueueWord& word,
                       std::uint32_t limit) noexcept {
  if (limit != 0) bytes = std::min(bytes, limit);
  if (word.bytes != 0) return word.bytes < frame ? FrameSplit::kSplit : FrameSplit::kWhole;
  if (bytes < frame) return FrameSplit::kSplit;
  if (word.known && !word.scattered) return FrameSplit::kWhole;
  if (std::bit_floor(bytes) >= frame) return FrameSplit::kWhole;  // however it rounds down
  return word.known ? FrameSplit::kPossible : FrameSplit::kUnknown;
}

std::vector<std::uint16_t> rx_rooms(std::uint32_t frame, std::uint32_t limit) {
  std::vector<std::uint16_t> rooms;
  const auto add = [&rooms](std::uint32_t bytes) {
    const std::uint32_t room = std::min(RTE_PKTMBUF_HEADROOM + bytes, kMax);
    if (rooms.empty() || room > rooms.back()) rooms.push_back(static_cast<std::uint16_t>(room));
  };
  if (limit != 0 && limit < frame) {
    add(limit);
    return rooms;
  }
  const std::uint32_t wanted = std::max(frame + kDriversOwn, kLeast);
  const std::uint32_t step = (wanted + kStep - 1) / kStep * kStep;
  add(step);
  const std::uint32_t power = std::bit_ceil(wanted);
  if (RTE_PKTMBUF_HEADROOM + power > kMax) return rooms;
  add(std::min(step + kStep, power));
  add(power);
  return rooms;
}

}  // namespace bab
