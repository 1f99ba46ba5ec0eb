#pragma once

#include <cstdint>
#include <string>

#include <bab/port/port.hpp>

namespace bab {

/// Bytes of data per receive buffer, headroom included, in which every driver receives a frame of `mtu` whole: some take a
/// buffer's room for the power of two below it (net_e1000_em), others for the next lower KiB.
std::uint32_t whole_frame_room(std::uint32_t mtu) noexcept;

/// One sentence for people of a port whose frames come split over several buffers (FramerStats::gathered): what it costs,
/// and how large receive buffers mend it. Any thread.
std::string split_frames_text(const Port& port);

}  // namespace bab
