#pragma once

#include <cstdint>

namespace bench {

// These paths have a translation unit of their own: a new path in a unit may change what the
// compiler inlines in the others.
void frame_out_32(std::uint64_t n);
void framer_loop_32(std::uint64_t n);
void bus_32(std::uint64_t n);
void bus_frames_32(std::uint64_t n);
void parts_32(std::uint64_t n);

}  // namespace bench
