#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <bab/message/write_flusher.hpp>
#include <bab/wire/frame_parser.hpp>
#include <bab/wire/message_range.hpp>

#include "writer_bench.hpp"

namespace bab::test {

inline wire::FrameHeaderOptions header_options() {
  wire::FrameHeaderOptions o;
  o.source_ip = 0xc0000201;
  o.destination_ip = 0xef010203;
  o.source_port = 4660;
  o.destination_port = 26477;
  o.session = wire::make_session("TEST");
  return o;
}

/// A frame as it is sent on the wire.
struct Sent {
  std::uint64_t sequence;
  Frame messages;
  std::uint64_t offloads;
  friend bool operator==(const Sent&, const Sent&) = default;
};

/// Takes at most `room` frames, and reads each of them. A test may raise `room`.
struct TestSink {
  unsigned room = ~0U;
  unsigned calls = 0;
  std::size_t largest_burst = 0;
  wire::ChecksumRules rules;
  std::vector<Sent> sent;
  wire::MacAddress last_source{};

  unsigned send(std::span<rte_mbuf*> frames) noexcept {
    ++calls;
    largest_burst = std::max(largest_burst, frames.size());
    const auto n = static_cast<unsigned>(std::min<std::size_t>(room, frames.size()));
    room -= n;
    for (rte_mbuf* m : frames.first(n)) {
      wire::ParsedFrame parsed{};
      EXPECT_EQ(wire::parse_frame({rte_pktmbuf_mtod(m, const std::uint8_t*), m->data_len}, rules,
                                  26477, parsed),
                Drop::kNone);
      EXPECT_EQ(parsed.mold.session, wire::make_session("TEST"));
      std::copy_n(rte_pktmbuf_mtod_offset(m, const std::uint8_t*, 6), 6, last_source.begin());
      Frame messages;
      for (const auto message : wire::MessageRange(parsed.blocks))
        messages.emplace_back(message.begin(), message.end());
      sent.push_back({parsed.mold.sequence, messages, m->ol_flags});
      BufferPool::release(m);
    }
    return n;
  }
};

}  // namespace bab::test
