#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <bab/message/local_writer.hpp>

#include "packets.hpp"
#include "seed.hpp"
#include "writer_bench.hpp"

namespace bab {
namespace {

using test::Frame;
using test::text_of;
using test::WriterBench;

/// The expected outcome of one message.
struct Expected {
  std::string text;
  enum { kOpen, kCommitted, kAborted } state = kOpen;
};

/// One random life of a writer, compared with a model: a list of all reservations and how each
/// ended. The ring must give exactly the committed messages, in order. Packets must keep their
/// bytes and their address until they are dropped.
class Life {
 public:
  explicit Life(std::uint64_t seed)
      : random_(seed),
        capacity_(pick(2, 300)),
        usual_len_(pick(0, 20)),
        haste_(pick(0, 3)),
        flush_{pick(0, 2) == 0 ? pick(1, 6) : 65534, pick(0, 2) == 0 ? pick(1, 40) : 0},
        bench_(pick(2, 8), capacity_, flush_) {}

  /// Runs one life, and gives the writer's counts.
  WriterStats run() {
    for (unsigned steps = pick(10, 120); steps > 0 && !failed(); --steps) step();
    while (!bag_.empty() && !failed()) settle();
    for (int i = 0; i < 2; ++i) {
      bench_.writer->flush();
      drain();
      release_frames(0);
    }
    EXPECT_TRUE(bench_.writer->idle());
    EXPECT_EQ(next_, expected_.size()) << "messages are missing";
    check_packets();
    packets_.clear();
    // Whatever happened before, a writer that has its whole pool to itself can go on.
    EXPECT_TRUE(bench_.writer->reserve(0));
    return bench_.writer->stats();
  }

 private:
  struct Open {
    LocalWriter::Reservation reservation;
    std::size_t index;  // index in expected_
  };
  struct Kept {
    Packet packet;
    const std::uint8_t* at;
    std::string text;
  };

  static bool failed() { return testing::Test::HasFailure(); }
  std::uint32_t pick(std::uint32_t least, std::uint32_t most) {
    return std::uniform_int_distribution<std::uint32_t>(least, most)(random_);
  }

  void step() {
    const unsigned what = pick(0, 9 + haste_);
    if (what < 4) return reserve();
    if (what == 4) return pick(0, 2) == 0 ? bench_.writer->flush() : poll();
    if (what == 5) return drop_packets();
    if (what == 6) {
      drain();
      return release_frames(pick(0, 3));
    }
    settle();
  }

  void reserve() {
    const std::uint32_t len = pick(0, 9) == 0 ? pick(0, capacity_) : pick(0, usual_len_);
    LocalWriter::Reservation r = bench_.writer->reserve(len);
    if (!r) {
      EXPECT_EQ(r.failure(),
                len + 2 > capacity_ ? ReserveFailure::kTooLong : ReserveFailure::kNoBuffer);
      return;
    }
    EXPECT_EQ(r.size(), len);
    std::string text;
    for (std::uint32_t i = 0; i < len; ++i) text.push_back(static_cast<char>(pick(0, 255)));
    bag_.push_back({std::move(r), expected_.size()});
    expected_.push_back({std::move(text)});
    EXPECT_FALSE(bench_.writer->idle());
  }

  void settle() {
    if (bag_.empty()) return;
    auto chosen = std::prev(bag_.end());
    if (pick(0, 1) == 0)
      chosen = bag_.begin() + pick(0, static_cast<std::uint32_t>(bag_.size() - 1));
    LocalWriter::Reservation r = std::move(chosen->reservation);
    Expected& e = expected_[chosen->index];
    std::vector<Open> rest;
    for (auto it = bag_.begin(); it != bag_.end(); ++it)
      if (it != chosen) rest.push_back({std::move(it->reservation), it->index});
    bag_ = std::move(rest);

    test::fill(r, e.text);
    e.state = Expected::kCommitted;
    switch (pick(0, 5)) {
      case 0:
      case 1:
        r.commit();
        break;
      case 2: {
        e.text.resize(pick(0, r.size()));
        EXPECT_TRUE(r.commit(e.text.size()));
        break;
      }
      case 3: {
        const std::uint8_t* at = r.data();
        packets_.push_back({r.commit_packet(), at, e.text});
        break;
      }
      case 4:
        r.abort();
        e.state = Expected::kAborted;
        break;
      case 5:
        if (pick(0, 1) == 0) {
          EXPECT_FALSE(r.commit(std::uint64_t{r.size()} + 1));
        }
        // if it isn't committed, the Reservation aborts when it goes out of scope here
        e.state = Expected::kAborted;
        break;
    }
  }

  void poll() {
    now_ += pick(1, 30);
    bench_.writer->poll(now_);
  }

  void drain() {
    bench_.writer->poll(now_);
    for (rte_mbuf* m : bench_.take()) {
      in_flight_.push_back(m);
      const Frame frame = test::messages_of(m);
      EXPECT_LE(m->data_len, test::kHeaderBytes + capacity_);
      for (const std::string& text : frame) {
        while (next_ < expected_.size() && expected_[next_].state == Expected::kAborted) ++next_;
        ASSERT_LT(next_, expected_.size()) << "a message that nobody committed";
        ASSERT_EQ(expected_[next_].state, Expected::kCommitted)
            << "message " << next_ << " came early";
        ASSERT_EQ(text, expected_[next_].text) << "message " << next_;
        ++next_;
      }
    }
    while (next_ < expected_.size() && expected_[next_].state == Expected::kAborted) ++next_;
    check_packets();
  }

  void release_frames(std::size_t keep) {
    while (in_flight_.size() > keep) {
      BufferPool::release(in_flight_.front());
      in_flight_.erase(in_flight_.begin());
    }
  }

  void check_packets() {
    for (const Kept& kept : packets_) {
      ASSERT_EQ(kept.packet.data(), kept.at);
      ASSERT_EQ(text_of(kept.packet), kept.text);
    }
  }

  void drop_packets() {
    check_packets();
    const unsigned left = pick(0, 4);
    while (packets_.size() > left) {
      const auto it = packets_.begin() + pick(0, static_cast<std::uint32_t>(packets_.size() - 1));
      if (pick(0, 2) == 0) {
        // A message that was sent to an lcore and received again is still the same.
        const Packet again = it->packet.clone().send().receive();
        EXPECT_EQ(text_of(again), it->text);
      }
      *it = std::move(packets_.back());
      packets_.pop_back();
    }
  }

  std::mt19937_64 random_;
  std::uint32_t capacity_;
  std::uint32_t usual_len_;
  std::uint32_t haste_;  // how often to settle; a small value lets many reservations pile up
  FlushPolicy flush_;
  WriterBench bench_;  // destroyed after all members below, because they hold its buffers
  std::vector<Open> bag_;
  std::vector<Expected> expected_;
  std::size_t next_ = 0;  // next message of expected_ to come out of the ring
  std::vector<Kept> packets_;
  std::vector<rte_mbuf*> in_flight_;
  std::uint64_t now_ = 1;
};

TEST(LocalWriterRandom, DoesAsTheModelDoes) {
  const std::uint64_t first = test::printed_seed();
  WriterStats all;
  for (std::uint64_t i = 0; i < 10'000 && !HasFailure(); ++i) {
    SCOPED_TRACE("life " + std::to_string(i) + ": BAB_SEED=" + std::to_string(first + i));
    const WriterStats stats = Life(first + i).run();
    all.frames += stats.frames;
    all.gathered += stats.gathered;
    all.starved += stats.starved;
  }
  std::printf("%llu frames, %llu gathered, %llu times starved\n",
              static_cast<unsigned long long>(all.frames),
              static_cast<unsigned long long>(all.gathered),
              static_cast<unsigned long long>(all.starved));
  EXPECT_GT(all.gathered, 1000U) << "the test no longer goes where it is to go";
  EXPECT_GT(all.starved, 1000U);
}

}  // namespace
}  // namespace bab
