#include <cstdint>

#include <bab/message/framer.hpp>

#include "instructions.hpp"
#include "made_frames.hpp"
#include "opaque.hpp"

namespace bench {

/// The job of framer_32, with a range-for instead of ReceivedFrame::next(). It must not cost more.
void framer_loop_32(std::uint64_t n) {
  MadeFrames made(4, kFrameBytes, 32);
  bab::Framer framer;
  const auto per_frame = static_cast<std::uint64_t>(made.messages_per_frame());
  for (std::uint64_t done = 0; done < n; done += per_frame) {
    rte_mbuf* m = made.frames()[done / per_frame % 4];
    bab::Shares<>::take(m);
    bab::ReceivedFrame frame = framer.accept(m);
    for (const auto message : frame) {
      const bab::Packet packet = frame.packet(message);
      use(packet.data());
    }
  }
}

}  // namespace bench
