#include <bab/port/split_frames.hpp>

#include <bit>
#include <limits>

#include <fmt/format.h>

namespace bab {
namespace {

/// The largest power of two that fits into a buffer behind the headroom.
constexpr std::uint32_t kMaxBytes =
    std::bit_floor(std::uint32_t{std::numeric_limits<std::uint16_t>::max() - RTE_PKTMBUF_HEADROOM});

/// Whether split frames come from smaller, older buffers: the driver still has such buffers, and is
/// not known to split otherwise.
bool is_of_older_buffers(const Port& port) noexcept {
  const FrameSplit split = port.rx_buffers().split;
  return port.has_smaller_buffers() &&
         (split == FrameSplit::kWhole || split == FrameSplit::kUnknown);
}

}  // namespace

std::uint32_t whole_frame_room(std::uint32_t mtu) noexcept {
  const std::uint32_t frame = Port::data_room(mtu) - RTE_PKTMBUF_HEADROOM;
  return frame > kMaxBytes ? 0 : RTE_PKTMBUF_HEADROOM + std::bit_ceil(frame);
}

bool larger_buffers_help(const Port& port) noexcept {
  return !is_of_older_buffers(port) &&
         whole_frame_room(port.mtu()) > RTE_PKTMBUF_HEADROOM + port.rx_buffers().bytes;
}

std::string split_frames_text(const Port& port) {
  const std::string who = fmt::format("port {} ({}, {})", port.id(), port.name(), port.driver());
  if (is_of_older_buffers(port))
    return fmt::format(
        "{} receives frames into smaller buffers, which its driver has kept since before its MTU "
        "was raised, and each frame is copied into one buffer; this ends when all of these were "
        "used",
        who);
  constexpr std::uint32_t kMaxMtu = kMaxBytes + RTE_PKTMBUF_HEADROOM - Port::data_room(0);
  const std::string mend =
      larger_buffers_help(port)
          ? fmt::format("raise its receive buffers to {} bytes", whole_frame_room(port.mtu()))
      : port.mtu() > kMaxMtu ? fmt::format("lower its MTU to {} to avoid this", kMaxMtu)
                             : "lower its MTU to avoid this";
  return fmt::format(
      "{} splits frames over several receive buffers, and each frame is copied into one buffer; {}",
      who, mend);
}

}  // namespace bab
