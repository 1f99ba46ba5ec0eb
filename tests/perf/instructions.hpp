#pragma once

#include <cstdint>

namespace bench {

// These paths stand in their own translation units. In a unit with others, a new path may change
// what the compiler inlines in the other paths.
void frame_out_32(std::uint64_t n);
void framer_loop_32(std::uint64_t n);
void bus_32(std::uint64_t n);
void bus_frames_32(std::uint64_t n);
void parts_32(std::uint64_t n);

}  // namespace bench
