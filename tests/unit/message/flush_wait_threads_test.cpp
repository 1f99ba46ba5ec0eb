#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include <gtest/gtest.h>
#include <rte_pause.h>

#include <bab/lcore/lcore.hpp>
#include <bab/message/flush_wait.hpp>
#include <bab/message/write_flusher.hpp>

#include "lcores.hpp"
#include "writer_bench.hpp"

namespace bab {
namespace {

using test::FullPool;

/// A writer's lcore and a flusher's lcore at full speed: an awaiting task sees what the sink took.
template <class Start>
void flush_on_two_lcores(Start start) {
  constexpr std::uint64_t kRounds = 2000;
  struct Count {
    unsigned send(std::span<rte_mbuf*> frames) noexcept {
      // not atomic: the wait orders the accesses
      for (rte_mbuf* m : frames) messages += buffer_meta(m).messages;
      BufferPool::release(frames);
      return static_cast<unsigned>(frames.size());
    }
    std::uint64_t messages = 0;
  } sink;
  FullPool pool(8);
  FrameRing ring(8);
  WriteFlusher<Count> flusher(sink, wire::FrameHeader({}));
  std::atomic<bool> done{false};
  auto flush = [&] {
    while (!done.load(std::memory_order_acquire))
      if (flusher.poll() == 0) rte_pause();
  };
  start(pool, ring, flusher, [&](auto& writer) {
    test::start_on(1, flush);
    Lcore lcore({.strategy = IdleStrategy::kBackOff});
    lcore.spawn([&]() -> Task<> {
      for (std::uint64_t i = 1; i <= kRounds; ++i) {
        writer.reserve(1).commit();
        const Flushed flushed = co_await flush_wait(writer);
        EXPECT_EQ(flushed, Flushed::kSent);
        EXPECT_EQ(sink.messages, i);
      }
    });
    lcore.run_until([&] { return lcore.tasks() == 0; });
    done.store(true, std::memory_order_release);
    test::wait_for(1, flush);
  });
}

TEST(LocalFlushWaitThreads, SeesWhatTheSinkDid) {
  flush_on_two_lcores([](auto& pool, auto& ring, auto& flusher, auto run) {
    flusher.add(ring);
    LocalWriter writer(pool, ring, test::small_frames(64));
    run(writer);
  });
}

TEST(SharedFlushWaitThreads, SeesWhatTheSinkDid) {
  flush_on_two_lcores([](auto& pool, auto& ring, auto& flusher, auto run) {
    const std::array<FrameRing*, 1> rings{&ring};
    flusher.add_shared(rings);
    SharedWriter shared(pool, test::small_frames(64));
    SharedWriter::Producer producer(shared, ring);
    run(producer);
  });
}

}  // namespace
}  // namespace bab
