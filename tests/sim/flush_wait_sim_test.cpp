#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/message/flush_wait.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/reserve_wait.hpp>
#include <bab/message/shared_writer.hpp>
#include <bab/message/write_flusher.hpp>

#include "full_pool.hpp"
#include "proof.hpp"
#include "sim_machine.hpp"

namespace bab {
namespace {

using test::SimMachine;

struct Message {
  std::uint32_t writer;
  std::uint32_t number;
};

/// Takes a random number of the frames, and counts the messages of each writer.
struct MoodySink {
  unsigned send(std::span<rte_mbuf*> frames) noexcept {
    const auto n = static_cast<unsigned>(machine.random(frames.size() + 1));
    for (rte_mbuf* m : frames.first(n)) {
      for (const std::span<const std::uint8_t> bytes : CompleteFrame(m)) {
        Message message;
        EXPECT_EQ(bytes.size(), sizeof message);
        std::memcpy(&message, bytes.data(), sizeof message);
        EXPECT_GE(message.number, next.at(message.writer)) << "out of order";
        next[message.writer] = message.number + 1;
        ++seen[message.writer];
      }
      BufferPool::release(m);
    }
    return n;
  }
  SimMachine& machine;
  std::array<std::uint32_t, 3> next{};
  std::array<std::uint32_t, 3> seen{};
};

/// Each of three lcores has a writer. The flusher is on the last lcore that still runs. Each
/// writer's task publishes a few messages, awaits the flush, and checks what the sink has seen by
/// then.
template <class Writers, bool kDrops>
struct FlushScenario {
  FlushScenario(SimMachine& m, BufferPool& p) : machine(m), writers(p, *flusher) {
    for (unsigned i = 0; i < m.size(); ++i) {
      m.lcore(i).add(writers[i]);
      m.lcore(i).add(flushers[i]);
      m.spawn(i, [this, i] { return publish(i); });
      m.at_end(i, [this, i] { end(i); });
    }
  }
  ~FlushScenario() {
    writers.clear();
    flusher.reset();
  }

  struct FlusherPoller {
    unsigned poll(std::uint64_t) {
      for (unsigned last = s.machine.size() - 1; last > lcore; --last)
        if (s.machine.runs(last)) return 0;
      if (kDrops && s.machine.random(20) == 0) s.dropped += s.flusher->drop_pending();
      return s.flusher->poll();
    }
    FlushScenario& s;
    unsigned lcore;
  };

  Task<> publish(unsigned i) {
    auto& writer = writers[i];
    std::uint32_t committed = 0;
    for (std::uint32_t number = 0; number < 40;) {
      for (auto n = 1 + machine.random(3); n > 0; --n, ++number) {
        auto wait = reserve_wait(writer, sizeof(Message));
        auto room = co_await machine.watch(wait);
        if (!room) continue;
        const Message message{i, number};
        std::memcpy(room.data(), &message, sizeof message);
        if (machine.random(5) == 0) continue;  // the message is aborted
        if (machine.random(4) == 0) co_await Yield();
        room.commit();
        ++committed;
      }
      auto wait = flush_wait(writer);
      const Flushed flushed = co_await machine.watch(wait);
      if (flushed == Flushed::kSent && !lost) {
        EXPECT_EQ(sink.seen[i], committed) << "of lcore " << i;
      }
      if (flushed == Flushed::kDropped) {
        EXPECT_TRUE(kDrops);
        lost = true;
      }
      flushed == Flushed::kCancelled ? ++cancelled : ++ended;
    }
  }

  /// An lcore that ends flushes its writer and waits until all is handed over.
  void end(unsigned i) {
    writers[i].flush();
    while (!writers[i].idle()) writers[i].poll(0);
  }

  void check(bool undisturbed) const {
    if (!undisturbed) return;
    EXPECT_EQ(cancelled, 0);
    EXPECT_GT(ended, 30);
    if (!kDrops) {
      EXPECT_FALSE(lost);
    }
  }

  SimMachine& machine;
  MoodySink sink{machine};
  std::optional<WriteFlusher<MoodySink>> flusher{std::in_place, sink, wire::FrameHeader({}), 4U};
  std::array<FlusherPoller, 3> flushers{{{*this, 0}, {*this, 1}, {*this, 2}}};
  Writers writers;
  int ended = 0, cancelled = 0;
  unsigned dropped = 0;
  bool lost = false;
};

constexpr WriterOptions kOptions{.payload_capacity = 3 * (2 + sizeof(Message)), .header_size = 62};

class LocalWriters {
 public:
  LocalWriters(BufferPool& pool, auto& flusher) {
    for (unsigned i = 0; i < 3; ++i) {
      rings_.push_back(std::make_unique<FrameRing>(pool.size()));
      flusher.add(*rings_.back());
      writers_.push_back(std::make_unique<LocalWriter>(pool, *rings_.back(), kOptions));
    }
  }
  LocalWriter& operator[](unsigned i) { return *writers_[i]; }
  void clear() { writers_.clear(); }

 private:
  std::vector<std::unique_ptr<FrameRing>> rings_;
  std::vector<std::unique_ptr<LocalWriter>> writers_;
};

class SharedWriters {
 public:
  SharedWriters(BufferPool& pool, auto& flusher) : shared_(std::in_place, pool, kOptions) {
    std::vector<FrameRing*> all;
    for (unsigned i = 0; i < 3; ++i)
      all.push_back(rings_.emplace_back(std::make_unique<FrameRing>(pool.size())).get());
    flusher.add_shared(all);
    for (FrameRing* ring : all)
      producers_.push_back(std::make_unique<SharedWriter::Producer>(*shared_, *ring));
  }
  SharedWriter::Producer& operator[](unsigned i) { return *producers_[i]; }
  void clear() {
    producers_.clear();
    shared_.reset();
  }

 private:
  std::vector<std::unique_ptr<FrameRing>> rings_;
  std::optional<SharedWriter> shared_;
  std::vector<std::unique_ptr<SharedWriter::Producer>> producers_;
};

struct FlushWaitSim : testing::TestWithParam<std::uint32_t> {
  test::FullPool pool{test::small_pool(GetParam())};
  test::Proof proof{pool};
};

TEST_P(FlushWaitSim, LocalWriters) { proof.of<FlushScenario<LocalWriters, false>>(); }
TEST_P(FlushWaitSim, SharedWriter) { proof.of<FlushScenario<SharedWriters, false>>(); }
TEST_P(FlushWaitSim, LocalWritersWithDrops) { proof.of<FlushScenario<LocalWriters, true>>(); }
TEST_P(FlushWaitSim, SharedWriterWithDrops) { proof.of<FlushScenario<SharedWriters, true>>(); }

INSTANTIATE_TEST_SUITE_P(Pools, FlushWaitSim, testing::Values(6U, 7U, 16U),
                         [](const auto& each) { return "of" + std::to_string(each.param); });

}  // namespace
}  // namespace bab
