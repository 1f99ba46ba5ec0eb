#include <bab/port/split_frames.hpp>

#include <algorithm>
#include <bit>
#include <limits>

#include <fmt/format.h>

namespace bab {

std::uint32_t whole_frame_room(std::uint32_t mtu) noexcept {
  constexpr std::uint32_t kMost = std::numeric_limits<std::uint16_t>::max();
  const std::uint32_t frame = Port::data_room(mtu) - RTE_PKTMBUF_HEADROOM;
  return std::min(RTE_PKTMBUF_HEADROOM + std::bit_ceil(frame), kMost);
}

std::string split_frames_text(const Port& port) {
  return fmt::format(
      "port {} ({}, {}) splits frames over several receive buffers, and each is gathered into one "
      "by a copy; raise its "
      "receive buffers to {} bytes",
      port.id(), port.name(), port.driver(), whole_frame_room(port.mtu()));
}

}  // namespace bab
