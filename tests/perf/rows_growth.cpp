#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <rte_memory.h>

#include <bab/message/write_flusher.hpp>
#include <bab/port/loopback.hpp>

#include "loop_engine.hpp"
#include "writer_rig.hpp"

namespace bench {
namespace {

/// testbab's loop engine with options other than the defaults. `ring_frames`: size of the loopback
/// port's ring in frames; 0: the default.
class LoopRow final : public Row {
 public:
  explicit LoopRow(const testbab::Options& options, std::uint32_t ring_frames = 0) {
    if (ring_frames > 0) ring_.emplace(1, ring_frames);
    engine_.emplace(options);
  }
  Slice subject(double seconds) override {
    const Slice slice = engine_->measure(seconds);
    engine_->check();
    return slice;
  }

 private:
  std::optional<bab::Loopback> ring_;
  std::optional<LoopEngine> engine_;
};

/// Several LocalWriters in turn, each with its own frames. One flusher serves all of them. Its sink
/// frees the frames.
class ManyWriters {
 public:
  explicit ManyWriters(unsigned writers) {
    flusher_.add(ring_);
    for (unsigned i = 0; i < writers; ++i)
      writers_.push_back(std::make_unique<bab::LocalWriter>(
          pool_, ring_, bab::WriterOptions{kPayloadBytes, kHeaderBytes, {}, i}));
  }

  void subject(benchmark::State& state) {
    while (state.KeepRunningBatch(kTurn)) {
      for (std::int64_t i = 0; i < kTurn;)
        for (const auto& writer : writers_) {
          if (i++ == kTurn) break;
          auto room = writer->reserve(32);
          message_.copy_to(room.data(), 32);
          room.commit();
        }
      for (const auto& writer : writers_) writer->poll(0);
      flusher_.poll();
    }
  }
  void floor(benchmark::State&) {}

 private:
  struct Free {
    unsigned send(std::span<rte_mbuf*> frames) noexcept {
      bab::BufferPool::release(std::span<rte_mbuf* const>(frames));
      return static_cast<unsigned>(frames.size());
    }
  };
  Message message_;
  bab::BufferPool pool_{pool_options(512, kJumboRoom)};
  bab::FrameRing ring_{512};
  Free sink_;
  bab::WriteFlusher<Free> flusher_{
      sink_, bab::wire::FrameHeader({.udp_checksum = bab::wire::ChecksumBy::kNone})};
  std::vector<std::unique_ptr<bab::LocalWriter>> writers_;
};

/// One LocalWriter whose buffers are used again in the order in which they were freed. There is no
/// lcore cache, and therefore the whole pool is in use.
class PoolSize {
 public:
  explicit PoolSize(std::uint32_t buffers, std::uint16_t room = 2176)
      : pool_(pool_options(buffers, room, 0)),
        ring_(buffers),
        writer_(pool_, ring_, {room - 256U, kHeaderBytes, {}, 0}) {}

  void subject(benchmark::State& state) {
    while (state.KeepRunningBatch(kTurn)) {
      for (std::int64_t i = 0; i < kTurn; ++i) {
        auto room = writer_.reserve(32);
        if (!room) continue;
        message_.copy_to(room.data(), 32);
        room.commit();
      }
      writer_.poll(0);
      free_frames(ring_);
    }
  }
  void floor(benchmark::State&) {}

 private:
  Message message_;
  bab::BufferPool pool_;
  bab::FrameRing ring_;
  bab::LocalWriter writer_;
};

/// Page size of EAL's memory. A run has only one size; --huge gives another.
std::uint32_t page_kib() {
  std::uint64_t bytes = 0;
  rte_memseg_walk(
      [](const rte_memseg_list*, const rte_memseg* part, void* size) {
        *static_cast<std::uint64_t*>(size) = part->hugepage_sz;
        return 1;
      },
      &bytes);
  return static_cast<std::uint32_t>(bytes / 1024);
}

RowSpec growth(const char* what, std::uint32_t value, Lcores lcores,
               std::function<std::unique_ptr<Row>()> make) {
  return {fmt::format("growth_{}_{}", what, value), "", "ns/message", 0, lcores, std::move(make)};
}

template <class Change>
RowSpec loop_growth(const char* what, std::uint32_t value, const Change& change) {
  return growth(what, value, Lcores::kTwo, [change] {
    testbab::Options options = bus_options("loop", 32);
    change(options);
    return std::make_unique<LoopRow>(options);
  });
}

}  // namespace

RowSpecs growth_rows() {
  RowSpecs rows;
  for (const std::uint32_t n : {16U, 32U, 64U, 128U, 256U, 512U, 1024U, 2048U, 4096U, 8192U})
    rows.push_back(
        loop_growth("message_bytes", n, [n](auto& o) { o.sizes = testbab::MessageSizes(n); }));
  for (const std::uint32_t n : {1500U, 3000U, 6000U, 9000U, 16000U})
    rows.push_back(loop_growth("mtu", n, [n](auto& o) { o.mtu = {n}; }));
  for (const std::uint32_t n : {1U, 2U, 4U, 8U, 16U, 32U, 64U})
    rows.push_back(loop_growth("burst", n, [n](auto& o) { o.burst = n; }));
  for (const std::uint32_t n : {8U, 32U, 64U, 128U, 250U})
    rows.push_back(loop_growth("mbcache", n, [n](auto& o) { o.mbcache = n; }));
  for (const std::uint32_t n : {64U, 128U, 256U, 512U, 1024U, 2048U, 4096U})
    rows.push_back(growth("ring_frames", n, Lcores::kTwo, [n] {
      testbab::Options options = bus_options("loop", 32);
      options.total_num_mbufs = n + 1024;
      return std::make_unique<LoopRow>(options, n);
    }));
  for (const std::uint32_t n : {1U, 2U, 4U, 16U, 64U})
    rows.push_back(growth("writers", n, Lcores::kOne, [n] { return one_lcore<ManyWriters>(n); }));
  for (const std::uint32_t n : {64U, 256U, 1024U, 4096U, 16384U, 65536U})
    rows.push_back(growth("pool_buffers", n, Lcores::kOne, [n] { return one_lcore<PoolSize>(n); }));
  rows.push_back(growth("page_kib", page_kib(), Lcores::kOne,
                        [] { return one_lcore<PoolSize>(16384U, std::uint16_t{9216}); }));
  return rows;
}

}  // namespace bench
