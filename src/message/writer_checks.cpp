#include <bab/detail/writer_checks.hpp>

#include <string>

#include <bab/base/error.hpp>
#include <bab/wire/moldudp64.hpp>

namespace bab::detail {

std::uint32_t check_writer(const BufferPool& pool, const WriterOptions& options, bool gathers) {
  const std::uint64_t room =
      std::uint64_t{RTE_PKTMBUF_HEADROOM} + options.header_size + options.payload_capacity;
  if (options.payload_capacity < wire::kBlockLengthBytes)
    throw Error("a writer's payload_capacity is " + std::to_string(options.payload_capacity) +
                " bytes, a frame needs at least 2 to hold a message; use a larger MTU");
  if (room > pool.data_room())
    throw Error("a frame of " + std::to_string(room) +
                " bytes with its headroom doesn't fit pool " + pool.name() + "'s buffers of " +
                std::to_string(pool.data_room()) + "; use larger buffers or a smaller MTU");
  if (gathers && pool.size() < 2)
    throw Error("pool " + pool.name() + " has " + std::to_string(pool.size()) +
                ", a writer needs at least 2 buffers: one is set aside for gathered copies");
  if (options.flush.max_messages == 0 || options.flush.max_messages > wire::kMoldMaxCount)
    throw Error("a writer's max_messages is " + std::to_string(options.flush.max_messages) +
                ", a frame takes 1 to 65534 messages");
  if (options.max_frames == 0 || options.max_frames > WriterOptions::kMaxFrames)
    throw Error("a writer's max_frames is " + std::to_string(options.max_frames) +
                ", it may have 1 to 16 unfinished frames");
  return options.payload_capacity - static_cast<std::uint32_t>(wire::kBlockLengthBytes);
}

void check_ring(std::uint32_t capacity, const BufferPool& pool) {
  if (capacity < pool.size())
    throw Error("the writer's ring holds " + std::to_string(capacity) + " frames, fewer than the " +
                std::to_string(pool.size()) + " buffers of pool " + pool.name() +
                "; make a ring that holds them all");
}

}  // namespace bab::detail
