#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <bab/message/local_writer.hpp>
#include <bab/wire/message_range.hpp>
#include <bab/wire/moldudp64.hpp>

#include "full_pool.hpp"

namespace bab::test {

using Frame = std::vector<std::string>;  ///< the messages of one frame

inline constexpr std::uint16_t kHeaderBytes = 62;

inline WriterOptions small_frames(std::uint32_t payload_capacity, FlushPolicy flush = {}) {
  return {payload_capacity, kHeaderBytes, flush, 7};
}

/// Reads a frame that a writer handed over, and checks the writer's notes on it.
inline Frame messages_of(rte_mbuf* m) {
  const BufferMeta& meta = buffer_meta(m);
  EXPECT_EQ(m->data_off, RTE_PKTMBUF_HEADROOM);
  EXPECT_EQ(m->data_len, kHeaderBytes + meta.payload_len);
  EXPECT_EQ(m->pkt_len, m->data_len);
  EXPECT_EQ(m->nb_segs, 1);
  EXPECT_EQ(meta.writer_id, 7U);
  EXPECT_GT(meta.messages, 0) << "an empty frame would be a heartbeat";
  const std::span blocks(rte_pktmbuf_mtod(m, const std::uint8_t*) + kHeaderBytes, meta.payload_len);
  Frame frame;
  if (!wire::blocks_fit(blocks, meta.messages)) {
    ADD_FAILURE() << "the frame's blocks don't end at its end";
    return frame;
  }
  for (const auto message : wire::MessageRange(blocks))
    frame.emplace_back(message.begin(), message.end());
  return frame;
}

/// A writer of tiny frames, its pool, and the far end of its ring.
struct WriterBench {
  explicit WriterBench(std::uint32_t buffers = 4, std::uint32_t capacity = 64,
                       FlushPolicy flush = {})
      : pool(buffers),
        ring(buffers),
        writer(std::in_place, pool, ring, small_frames(capacity, flush)) {}
  ~WriterBench() {
    writer.reset();
    (void)frames();
  }

  /// The frames that came out since the last call, as texts. Their buffers are released.
  std::vector<Frame> frames() {
    std::vector<Frame> got;
    for (rte_mbuf* m : take()) {
      got.push_back(messages_of(m));
      BufferPool::release(m);
    }
    return got;
  }

  /// The frames that came out since the last call. The caller releases them.
  std::vector<rte_mbuf*> take() {
    std::vector<rte_mbuf*> all(ring.size());
    all.resize(ring.pop(all));
    return all;
  }

  std::vector<Frame> flushed() {
    writer->flush();
    return frames();
  }

  FullPool pool;
  FrameRing ring;
  std::optional<LocalWriter> writer;
};

inline void fill(const LocalWriter::Reservation& r, std::string_view text) {
  ASSERT_TRUE(r);
  ASSERT_LE(text.size(), r.size());
  std::memcpy(r.data(), text.data(), text.size());
}

/// Reserves room for `text` and fills it. The caller commits.
inline LocalWriter::Reservation reserve(LocalWriter& writer, std::string_view text) {
  LocalWriter::Reservation r = writer.reserve(static_cast<std::uint32_t>(text.size()));
  fill(r, text);
  return r;
}

inline void put(LocalWriter& writer, std::string_view text) { reserve(writer, text).commit(); }

}  // namespace bab::test
