#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string>

#include <bab/port/port.hpp>

namespace bab {

/// Bytes of a receive buffer, headroom included, that holds a frame of `mtu` (bytes of IP packet)
/// whole with every driver: some use only the power of two below a buffer's size (net_e1000_em),
/// others the next lower KiB. 0: no buffer can be so large (`mtu` is above 32,746).
std::uint32_t whole_frame_room(std::uint32_t mtu) noexcept;

/// Whether larger receive buffers, of whole_frame_room() bytes, would keep a port's frames from
/// being split. Any thread.
bool larger_buffers_help(const Port& port) noexcept;

/// One sentence for people about a port whose frames come split over several buffers
/// (FramerStats::gathered): what it costs, and what mends it, which is larger receive buffers, a
/// lower MTU, or time. Any thread.
std::string split_frames_text(const Port& port);

}  // namespace bab
