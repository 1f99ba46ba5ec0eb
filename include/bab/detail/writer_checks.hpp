#pragma once

#include <cstdint>

#include <bab/memory/buffer_pool.hpp>
#include <bab/message/writer_options.hpp>

namespace bab::detail {

/// Set-up of any writer. `gathers`: it sets buffers aside for gathered copies. Returns the longest
/// message that its frames take, in bytes. Throws Error: a frame that holds no message or doesn't
/// fit the pool's buffers, a pool of too few, or options out of their ranges.
std::uint32_t check_writer(const BufferPool& pool, const WriterOptions& options, bool gathers);

/// Throws Error: a ring of `capacity` frames doesn't hold all the pool's buffers.
void check_ring(std::uint32_t capacity, const BufferPool& pool);

}  // namespace bab::detail
