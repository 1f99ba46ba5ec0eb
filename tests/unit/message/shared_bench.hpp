#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <bab/message/shared_writer.hpp>
#include <bab/message/write_flusher.hpp>

#include "writer_bench.hpp"

namespace bab::test {

/// A sink that keeps the messages' texts and frees the frames.
struct KeepSink {
  unsigned send(std::span<rte_mbuf*> frames) noexcept {
    const auto n = static_cast<unsigned>(std::min<std::size_t>(room, frames.size()));
    room -= n;
    for (rte_mbuf* m : frames.first(n)) {
      all.push_back(messages_of(m));
      BufferPool::release(m);
    }
    return n;
  }
  [[nodiscard]] std::vector<std::string> messages() const {
    std::vector<std::string> flat;
    for (const Frame& f : all) flat.insert(flat.end(), f.begin(), f.end());
    return flat;
  }
  std::vector<Frame> all;
  unsigned room = ~0U;  ///< takes at most this many frames
};

/// A shared writer with `n` producers, all on this lcore, and a flusher.
struct SharedBench {
  explicit SharedBench(std::uint32_t buffers = 8, std::uint32_t capacity = 64,
                       FlushPolicy flush = {}, unsigned n = 2,
                       std::uint32_t max_frames = WriterOptions::kMaxFrames)
      : pool(buffers),
        writer(std::in_place, pool, WriterOptions{capacity, kHeaderBytes, flush, 7, max_frames}),
        flusher(std::in_place, sink, wire::FrameHeader({})) {
    std::vector<FrameRing*> all;
    for (unsigned i = 0; i < n; ++i) {
      rings.push_back(std::make_unique<FrameRing>(buffers));
      all.push_back(rings.back().get());
      producers.push_back(std::make_unique<SharedWriter::Producer>(*writer, *rings.back()));
    }
    flusher->add_shared(all);
  }
  ~SharedBench() {
    producers.clear();
    poll();
    flusher.reset();
    writer.reset();
  }
  void poll() {
    while (flusher->poll() > 0) {
    }
  }
  std::vector<std::string> flushed() {
    for (auto& p : producers) p->flush();
    poll();
    return sink.messages();
  }
  SharedWriter::Producer& operator[](unsigned i) { return *producers[i]; }

  FullPool pool;
  KeepSink sink;
  std::vector<std::unique_ptr<FrameRing>> rings;
  std::optional<SharedWriter> writer;
  std::vector<std::unique_ptr<SharedWriter::Producer>> producers;
  std::optional<WriteFlusher<KeepSink>> flusher;
};

inline SharedWriter::Producer::Reservation reserve(SharedWriter::Producer& p,
                                                   std::string_view text) {
  auto r = p.reserve(static_cast<std::uint32_t>(text.size()));
  if (r) std::memcpy(r.data(), text.data(), text.size());
  return r;
}
inline bool put(SharedWriter::Producer& p, std::string_view text) {
  auto r = reserve(p, text);
  const bool good = bool(r);
  r.commit();
  return good;
}

}  // namespace bab::test
