#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <bab/message/framer.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>

#include "full_pool.hpp"
#include "lcores.hpp"
#include "seed.hpp"

namespace bab {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint16_t kHeaderBytes = 62;
constexpr std::uint32_t kCapacity = 200;

/// A message: its number, then bytes that are made from the number.
std::uint32_t length_of(std::uint64_t number) {
  return static_cast<std::uint32_t>(8 + number % 40);
}

void write_message(std::uint8_t* at, std::uint64_t number) {
  std::memcpy(at, &number, sizeof number);
  std::memset(at + 8, static_cast<int>(number & 0xff), length_of(number) - 8);
}

bool is_message(const Packet& packet, std::uint64_t number) {
  if (packet.size() != length_of(number)) return false;
  std::array<std::uint8_t, 48> expected;
  write_message(expected.data(), number);
  return std::memcmp(packet.data(), expected.data(), packet.size()) == 0;
}

/// Lcore 1: reserves ahead, settles in any order, aborts some messages, and keeps Packets for a
/// while.
struct WriterSide {
  WriterSide(BufferPool& from, FrameRing& to, std::uint64_t seed)
      : pool(from), ring(to), random(seed) {}

  void operator()() {
    LocalWriter writer(pool, ring,
                       {kCapacity, kHeaderBytes, {.max_messages = 12, .max_delay_tsc = 30}, 0});
    std::vector<std::pair<LocalWriter::Reservation, std::uint64_t>> open;
    std::vector<Packet> kept;
    std::uint64_t turn = 0;
    const auto settle = [&] {
      auto& [r, number] = open.back();
      if (number == kAborted) {
        r.abort();
      } else {
        write_message(r.data(), number);
        if (random() % 4 == 0)
          kept.push_back(r.commit_packet());
        else
          r.commit();
      }
      open.pop_back();
    };
    while (!stop->load(std::memory_order_relaxed)) {
      writer.poll(++turn);
      const bool aborts = random() % 5 == 0;
      if (auto r = writer.reserve(aborts ? 20 : length_of(next)))
        open.emplace_back(std::move(r), aborts ? kAborted : next++);
      else
        std::this_thread::yield();
      while (open.size() > random() % 4) settle();  // the newest first
      while (kept.size() > random() % 4) kept.pop_back();
    }
    while (!open.empty()) settle();
    kept.clear();
    writer.flush();
    stats = writer.stats();
  }

  static constexpr std::uint64_t kAborted = ~std::uint64_t{0};

  BufferPool& pool;
  FrameRing& ring;
  std::mt19937_64 random;
  const std::atomic<bool>* stop = nullptr;
  std::uint64_t next = 0;
  WriterStats stats;
};

/// Carries frames back to the framer on the same lcore. As in net_ring, the mbufs are the same.
struct WireSink {
  unsigned send(std::span<rte_mbuf*> frames) noexcept {
    const auto n = static_cast<unsigned>(std::min(frames.size(), wire.size() - used));
    std::copy_n(frames.begin(), n, wire.begin() + used);
    used += n;
    return n;
  }
  std::array<rte_mbuf*, 4> wire;
  std::size_t used = 0;
};

/// Lcore 2: the flusher, the wire and the framer. Gives every message on to lcore 3.
struct MiddleSide {
  MiddleSide(FrameRing& from, SpscRing<SendPacket>& to, SpscRing<SendPacket>& back)
      : ring(from), out(to), places(back) {}

  void operator()() {
    WireSink sink;
    WriteFlusher<WireSink> flusher(sink, wire::FrameHeader(wire::FrameHeaderOptions{}), 8);
    flusher.add(ring);
    Framer framer;
    ReceivedFrame frame;
    std::size_t at = 0;
    for (;;) {
      const bool last_turn = !writer_runs->load(std::memory_order_acquire);
      if (flusher.poll() == 0) std::this_thread::yield();
      for (;;) {
        if (frame.left() == 0) {
          frame = ReceivedFrame();
          if (at == sink.used) break;
          frame = framer.accept(sink.wire[at++]);
          if (frame && frame.header().sequence != expected) ++gaps;
          expected += frame.left();
          continue;
        }
        SendPacket* place = nullptr;
        if (places.pop({&place, 1}) == 0) break;
        *place = frame.next().send();
        if (out.push({&place, 1}) != 1) ++gaps;
      }
      if (at == sink.used) at = sink.used = 0;
      if (last_turn && flusher.idle() && sink.used == 0 && frame.left() == 0) break;
    }
    messages = framer.stats().messages;
    bad = framer.drops().total(DropUnit::kFrame);
  }

  FrameRing& ring;
  SpscRing<SendPacket>& out;
  SpscRing<SendPacket>& places;
  const std::atomic<bool>* writer_runs = nullptr;
  std::uint64_t expected = 1, gaps = 0, messages = 0, bad = 0;
};

/// Lcore 3: checks every message, holds some for a while, and drops them.
struct ReaderSide {
  ReaderSide(SpscRing<SendPacket>& from, SpscRing<SendPacket>& back, std::uint64_t seed)
      : in(from), places(back), random(seed) {}

  void operator()() {
    std::vector<std::pair<Packet, std::uint64_t>> kept;
    for (;;) {
      const bool last_turn = !middle_runs->load(std::memory_order_acquire);
      SendPacket* place = nullptr;
      if (in.pop({&place, 1}) == 0) {
        kept.clear();  // else all might wait for one another
        if (last_turn) break;
        std::this_thread::yield();
        continue;
      }
      Packet packet = place->receive();
      places.push({&place, 1});
      if (!is_message(packet, next)) ++broken;
      if (random() % 4 == 0) kept.emplace_back(packet.clone(), next);
      ++next;
      while (kept.size() > random() % 6) {
        if (!is_message(kept.back().first, kept.back().second)) ++broken;
        kept.pop_back();
      }
    }
  }

  SpscRing<SendPacket>& in;
  SpscRing<SendPacket>& places;
  std::mt19937_64 random;
  const std::atomic<bool>* middle_runs = nullptr;
  std::uint64_t next = 0, broken = 0;
};

TEST(StressBus, WriterFlusherAndReaderOnThreeLcoresLoseNothing) {
  const std::uint64_t seed = test::printed_seed();
  test::FullPool pool(8);
  FrameRing frames(8);
  SpscRing<SendPacket> full(32);
  SpscRing<SendPacket> empty(32);
  std::vector<SendPacket> places(32);
  for (SendPacket& place : places) {
    SendPacket* p = &place;
    empty.push({&p, 1});
  }
  std::atomic<bool> stop{false};
  std::atomic<bool> writer_runs{true};
  std::atomic<bool> middle_runs{true};
  WriterSide writer(pool, frames, seed);
  MiddleSide middle(frames, full, empty);
  ReaderSide reader(full, empty, seed + 1);
  writer.stop = &stop;
  middle.writer_runs = &writer_runs;
  reader.middle_runs = &middle_runs;
  test::start_on(1, writer);
  test::start_on(2, middle);
  test::start_on(3, reader);
  const Clock::time_point end = Clock::now() + std::chrono::seconds(2);
  while (Clock::now() < end) std::this_thread::yield();
  stop = true;
  test::wait_for(1, writer);
  writer_runs = false;
  test::wait_for(2, middle);
  middle_runs = false;
  test::wait_for(3, reader);

  EXPECT_GT(writer.next, 1000U);
  EXPECT_EQ(middle.messages, writer.next);
  EXPECT_EQ(reader.next, writer.next);
  EXPECT_EQ(middle.gaps, 0U);
  EXPECT_EQ(middle.bad, 0U);
  EXPECT_EQ(reader.broken, 0U);
  EXPECT_GT(writer.stats.gathered, 0U);
  EXPECT_GT(writer.stats.starved, 0U);
  std::printf("%llu messages in %llu frames, %llu gathered, %llu times starved\n",
              static_cast<unsigned long long>(writer.next),
              static_cast<unsigned long long>(writer.stats.frames),
              static_cast<unsigned long long>(writer.stats.gathered),
              static_cast<unsigned long long>(writer.stats.starved));
}

}  // namespace
}  // namespace bab
