#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string>

#include <bab/port/port.hpp>

namespace bab {

/// Bytes of data per receive buffer, headroom included, in which every driver receives a frame of
/// `mtu` whole: some take a buffer's room for the power of two below it (net_e1000_em), others for
/// the next lower KiB. 0: a buffer can't be so large
/// (`mtu` is above 32,746).
std::uint32_t whole_frame_room(std::uint32_t mtu) noexcept;

/// Whether larger receive buffers, of whole_frame_room(), would keep a port's frames from being
/// split. Any thread.
bool larger_buffers_help(const Port& port) noexcept;

/// One sentence for people of a port whose frames come split over several buffers
/// (FramerStats::gathered): what it costs, and what mends it: larger receive buffers, a lower MTU,
/// or time. Any thread.
std::string split_frames_text(const Port& port);

}  // namespace bab
