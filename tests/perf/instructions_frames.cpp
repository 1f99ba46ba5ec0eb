#include <cstdint>

#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/port.hpp>
#include <bab/wire/frame_header.hpp>

#include "instructions.hpp"
#include "message.hpp"
#include "null_port.hpp"
#include "pools.hpp"

namespace bench {

/// Sends each message in a frame of its own, to a port whose driver only frees the frame.
void frame_out_32(std::uint64_t n) {
  const Message message;
  OpenPool pool(pool_options(64, 2176));
  const NullPort device;
  bab::Port port({.id = device.id(), .rx_descriptors = 16, .mtu = 1500}, pool);
  port.start();
  const bab::wire::FrameHeader header({.session = bab::wire::make_session("COUNTED")});
  bab::FrameRing ring(64);
  bab::WriteFlusher flusher(port.tx(0), header);
  flusher.add(ring);
  bab::LocalWriter writer(
      pool, ring,
      {.payload_capacity = header.payload_capacity(1500), .header_size = header.size()});
  constexpr unsigned kBurst = 32;
  for (; n > 0; n -= kBurst) {
    for (unsigned i = 0; i < kBurst; ++i) {
      auto room = writer.reserve(32);
      message.copy_to(room.data(), 32);
      room.commit();
      writer.flush();
    }
    flusher.poll();
  }
}

}  // namespace bench
