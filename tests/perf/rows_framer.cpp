#include <bab/message/framer.hpp>

#include "made_frames.hpp"
#include "one_lcore.hpp"
#include "opaque.hpp"

namespace bench {
namespace {

/// 16 frames of 8,900 bytes. They stay in the L2 cache, like frames that a NIC has just received.
class FramerRow {
 public:
  void subject(benchmark::State& state) {
    each_frame(state, [this](rte_mbuf* m) {
      bab::Shares<>::take(m);
      bab::ReceivedFrame frame = framer_.accept(m);
      while (frame.left() > 0) {
        const bab::Packet packet = frame.next();
        use(packet.data());
      }
    });
  }

  /// Takes and gives up the same share per frame. Then does the least that a receiver must do if it
  /// doesn't trust its input: check that all lengths lie inside the frame, then go from message to
  /// message.
  void floor(benchmark::State& state) {
    each_frame(state, [](rte_mbuf* m) {
      bab::Shares<>::take(m);
      const auto* const begin = rte_pktmbuf_mtod_offset(m, const std::uint8_t*, kHeaderBytes);
      const std::uint8_t* const end = begin + (m->data_len - kHeaderBytes);
      std::uint32_t count = bab::wire::load_be<std::uint16_t>(begin - 2);
      const std::uint8_t* at = begin;
      std::uint32_t left = count;
      for (; left > 0 && end - at >= 2; --left) {
        const std::uint8_t* const next = at + 2 + bab::wire::load_be<std::uint16_t>(at);
        if (next > end) break;
        at = next;
      }
      if (left == 0 && at == end) {
        for (at = begin; count > 0; --count) {
          const std::uint8_t* const data = at + 2;
          use(data);
          at = data + bab::wire::load_be<std::uint16_t>(at);
        }
      }
      (void)bab::Shares<>::give_up(m);
    });
  }

 private:
  template <class Take>
  void each_frame(benchmark::State& state, const Take& take) {
    const auto frames = made_.frames();
    std::size_t next = 0;
    while (state.KeepRunningBatch(made_.messages_per_frame())) {
      take(frames[next]);
      next = next + 1 == frames.size() ? 0 : next + 1;
    }
  }

  MadeFrames made_{16, kFrameBytes, 32};
  bab::Framer framer_;
};

}  // namespace

RowSpecs framer_rows() {
  return {{"framer_32", "a bounds-checked pass and a walk over the same frames", "ns/message", 1.5,
           Lcores::kOne, one_lcore<FramerRow>}};
}

}  // namespace bench
