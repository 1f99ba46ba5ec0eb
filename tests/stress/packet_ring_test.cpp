#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <random>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <bab/base/counter.hpp>
#include <bab/base/spsc_ring.hpp>
#include <bab/memory/send_packet.hpp>

#include "full_pool.hpp"
#include "lcores.hpp"
#include "seed.hpp"

namespace bab {
namespace {

using Clock = std::chrono::steady_clock;

/// A way for SendPackets from one lcore to the next. A ring carries pointers: they point to the
/// places of SendPackets. The receiver gives a place back through the second ring.
class Ring {
 public:
  explicit Ring(std::uint32_t places) : full_(places), empty_(places), places_(places) {
    for (SendPacket& place : places_) {
      SendPacket* p = &place;
      empty_.push({&p, 1});
    }
  }

  /// Takes the message. Returns false if no place is free.
  bool push(SendPacket& message) {
    SendPacket* place = nullptr;
    if (empty_.pop({&place, 1}) == 0) return false;
    *place = std::move(message);
    full_.push({&place, 1});
    return true;
  }

  SendPacket pop() {
    SendPacket* place = nullptr;
    if (full_.pop({&place, 1}) == 0) return {};
    SendPacket message = std::move(*place);
    empty_.push({&place, 1});
    return message;
  }

 private:
  SpscRing<SendPacket> full_;
  SpscRing<SendPacket> empty_;
  std::vector<SendPacket> places_;
};

/// The words of a message. All of them are made from one number.
constexpr std::uint32_t kWords = 16;

constexpr std::uint64_t kEnough = 100;  ///< messages; with more, an lcore counts as busy

bool is_intact(const Packet& packet) {
  std::array<std::uint64_t, kWords> words;
  if (packet.size() != sizeof words) return false;
  std::memcpy(words.data(), packet.data(), sizeof words);
  for (std::uint32_t i = 1; i < kWords; ++i)
    if (words[i] != words[0] * i) return false;
  return true;
}

/// One lcore of the circle. It takes messages from the lcore before, and keeps, clones and drops
/// some at random. It sends on what it can, and makes new messages as long as the pool gives
/// buffers.
struct RingStation {
  RingStation(BufferPool& from, Ring& before, Ring& after, std::uint64_t seed)
      : pool(from), in(before), out(after), random(seed) {}

  void operator()() {
    while (!stop->load(std::memory_order_relaxed)) turn();
    kept.clear();
    while (SendPacket message = in.pop()) count(message.receive());
  }

  void turn() {
    if (random() % 4 == 0) make();
    for (int i = 0; i < 4; ++i) {
      SendPacket message = in.pop();
      if (!message) {
        std::this_thread::yield();  // else three busy lcores on fewer CPUs wait for milliseconds
        break;
      }
      Packet packet = message.receive();
      count(packet);
      if (random() % 3 == 0) kept.push_back(packet.clone());
      if (random() % 8 == 0) continue;  // dropped
      pass_on(std::move(packet));
    }
    if (!kept.empty() && random() % 2 == 0) {
      const std::size_t i = random() % kept.size();
      count(kept[i]);
      if (random() % 2 == 0) pass_on(kept[i].clone());
      kept[i].swap(kept.back());
      kept.pop_back();
    }
    while (kept.size() > 6) kept.pop_front();
  }

  void make() {
    rte_mbuf* m = pool.try_acquire();
    if (m == nullptr) return;
    std::array<std::uint64_t, kWords> words;
    const std::uint64_t number = random();
    for (std::uint32_t i = 0; i < kWords; ++i) words[i] = i == 0 ? number : number * i;
    std::memcpy(rte_pktmbuf_append(m, sizeof words), words.data(), sizeof words);
    made += 1;
    pass_on(PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, const std::uint8_t*), sizeof words));
  }

  void pass_on(Packet packet) {
    SendPacket message = packet.send();
    if (!out.push(message)) ++full;  // the message is dropped here
  }

  void count(const Packet& packet) {
    seen += 1;
    if (!is_intact(packet)) ++broken;
  }

  BufferPool& pool;
  Ring& in;
  Ring& out;
  std::mt19937_64 random;
  const std::atomic<bool>* stop = nullptr;
  std::deque<Packet> kept;
  Counter made, seen;  // the main lcore reads them while they count
  std::uint64_t broken = 0, full = 0;
};

TEST(StressPacketRing, ThreeLcoresPassMessagesRoundAndLoseNoBuffer) {
  const std::uint64_t seed = test::printed_seed();
  for (const std::uint32_t cache : {0U, 1U}) {
    test::FullPool pool(test::small_pool(8, cache));
    std::atomic<bool> stop{false};
    std::array<Ring, 3> ways{Ring(16), Ring(16), Ring(16)};
    std::array<RingStation, 3> stations{RingStation(pool, ways[0], ways[1], seed),
                                        RingStation(pool, ways[1], ways[2], seed + 1),
                                        RingStation(pool, ways[2], ways[0], seed + 2)};
    for (unsigned i = 0; i < 3; ++i) {
      stations[i].stop = &stop;
      test::start_on(i + 1, stations[i]);
    }
    const auto busy = [&] {  // this takes longer on a loaded machine
      std::uint64_t all_made = 0;
      bool all_seen = true;
      for (const RingStation& s : stations) {
        all_made += s.made;
        all_seen = all_seen && s.seen > kEnough;
      }
      return all_seen && all_made > kEnough;
    };
    const Clock::time_point begin = Clock::now();
    while (Clock::now() < begin + std::chrono::seconds(1) ||
           (!busy() && Clock::now() < begin + std::chrono::seconds(30)))
      std::this_thread::yield();
    stop = true;
    for (unsigned i = 0; i < 3; ++i) test::wait_for(i + 1, stations[i]);
    for (Ring& way : ways)
      while (way.pop()) {
      }
    std::uint64_t made = 0;
    for (const RingStation& s : stations) {
      EXPECT_EQ(s.broken, 0U);
      EXPECT_GT(s.seen, kEnough);
      made += s.made;
    }
    EXPECT_GT(made, kEnough);
    std::printf("cache %u: %llu messages made, %llu + %llu + %llu handled\n", cache,
                static_cast<unsigned long long>(made),
                static_cast<unsigned long long>(stations[0].seen),
                static_cast<unsigned long long>(stations[1].seen),
                static_cast<unsigned long long>(stations[2].seen));
  }
}

}  // namespace
}  // namespace bab
