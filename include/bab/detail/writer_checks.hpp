#pragma once

#include <cstdint>

#include <bab/memory/buffer_pool.hpp>
#include <bab/message/writer_options.hpp>

namespace bab::detail {

/// Checks the set-up of any writer. `gathers`: it sets buffers aside for gathered copies. Returns
/// the longest message that its frames take, in bytes. Throws Error: a frame holds no message or
/// doesn't fit the pool's buffers, the pool has too few buffers, or an option is out of its range.
std::uint32_t check_writer(const BufferPool& pool, const WriterOptions& options, bool gathers);

/// Throws Error if a ring of `capacity` frames can't hold all the pool's buffers.
void check_ring(std::uint32_t capacity, const BufferPool& pool);

}  // namespace bab::detail
