#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/acquire.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/memory/packet.hpp>

#include "full_pool.hpp"
#include "grant_line.hpp"
#include "proof.hpp"
#include "sim_machine.hpp"

namespace bab {
namespace {

using test::GrantLine;
using test::SimMachine;

void write_number(rte_mbuf* m, std::uint32_t number) {
  std::memcpy(rte_pktmbuf_append(m, sizeof number), &number, sizeof number);
}
std::uint32_t number_at(const void* data) {
  std::uint32_t number;
  std::memcpy(&number, data, sizeof number);
  return number;
}

/// What the tasks do with an item at the two ends of a Channel.
template <class T>
struct Kind;
template <>
struct Kind<rte_mbuf*> {
  static rte_mbuf* make(rte_mbuf* m) { return m; }
  static std::uint32_t use(rte_mbuf*& item) {
    const std::uint32_t number = number_at(rte_pktmbuf_mtod(item, void*));
    BufferPool::release(item);
    return number;
  }
};
template <>
struct Kind<SendPacket> {
  static SendPacket make(rte_mbuf* m) {
    Packet packet = PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 4);
    Packet clone = packet.clone();
    packet = {};
    return clone.send();
  }
  static std::uint32_t use(SendPacket& item) {
    const Packet packet = item.receive();
    const Packet clone = packet.clone();
    return number_at(clone.data());
  }
};

/// One direction: a task acquires and sends, and another one receives and drops.
template <class T>
struct Way {
  Way(SimMachine& m, BufferPool& p, GrantLine& l, unsigned from, unsigned to, std::uint32_t room)
      : machine(m), pool(p), line(l), channel(room) {
    m.spawn(from, [this] { return produce(); });
    m.spawn(to, [this] { return consume(); });
  }

  Task<> produce() {
    std::uint32_t next = 0;
    while (next < kItems) {
      std::array<rte_mbuf*, 3> buffers{};
      std::array<T, 3> items{};
      const std::size_t n =
          std::min<std::size_t>({1 + machine.random(buffers.size()), pool.size(), kItems - next});
      AcquireBulk acquire = pool.acquire(std::span(buffers).first(n));
      if (co_await line.watch(acquire) != Outcome::kDone) break;
      for (std::size_t i = 0; i < n; ++i) {
        write_number(buffers[i], next++);
        items[i] = Kind<T>::make(buffers[i]);
      }
      auto send = channel.send(std::span(items).first(n));
      const Outcome outcome = co_await machine.watch(send);
      sent += send.sent();
      for (T& rest : std::span(items).subspan(send.sent(), n - send.sent()))
        EXPECT_EQ(Kind<T>::use(rest), sent + kept++)
            << "what wasn't sent is the caller's, unharmed";
      if (outcome != Outcome::kDone) break;
      EXPECT_EQ(send.sent(), n);
      if (machine.random(4) == 0) co_await Yield();
    }
    channel.close_sender();
  }

  Task<> consume() {
    std::array<T, 2> out{};
    while (true) {
      if (machine.random(4) == 0) {
        Sleep sleep(Lcore::current()->now() + machine.random(200));
        (void)co_await machine.watch(sleep);
      }
      auto receive = channel.receive(std::span(out).first(1 + machine.random(out.size())));
      const Outcome outcome = co_await machine.watch(receive);
      if (outcome != Outcome::kDone) {
        EXPECT_EQ(receive.received(), 0U);
        if (outcome == Outcome::kCancelled) channel.close_receiver();
        break;
      }
      EXPECT_GT(receive.received(), 0U);
      for (T& item : std::span(out).first(receive.received()))
        EXPECT_EQ(Kind<T>::use(item), received++) << "in order";
    }
  }

  void check(bool undisturbed) const {
    EXPECT_TRUE(channel.closed());
    EXPECT_EQ(sent, received + channel.discarded() + channel.size());
    if (undisturbed) {
      EXPECT_EQ(received, kItems);
      EXPECT_EQ(kept, 0U);
    }
  }

  static constexpr std::uint32_t kItems = 12;
  SimMachine& machine;
  BufferPool& pool;
  GrantLine& line;
  Channel<T> channel;
  std::uint64_t sent = 0, received = 0, kept = 0;
};

/// Ways between all lcores. All use one small pool.
template <class T>
struct Ways {
  Ways(SimMachine& m, BufferPool& p)
      : line(m, p),
        ways{{m, p, line, 0, 1, 1},
             {m, p, line, 1, 2, 2},
             {m, p, line, 2, 0, 3},
             {m, p, line, 1, 1, 2}} {}
  void check(bool undisturbed) const {
    for (const Way<T>& way : ways) way.check(undisturbed);
  }
  GrantLine line;
  Way<T> ways[4];
};

/// Three lcores in a row. Buffers are filled on the first and become Packets on the second. They go
/// on as SendPackets and are read on the third, which keeps one for a while.
struct Pipeline {
  Pipeline(SimMachine& m, BufferPool& p) : machine(m), pool(p), line(m, p), buffers(2), packets(3) {
    m.spawn(0, [this] { return source(); });
    m.spawn(1, [this] { return middle(); });
    m.spawn(2, [this] { return sink(); });
  }

  Task<> source() {
    for (std::uint32_t number = 0; number < kItems; ++number) {
      Acquire acquire = pool.acquire();
      rte_mbuf* m = co_await line.watch(acquire);
      if (m == nullptr) break;
      write_number(m, number);
      auto send = buffers.send({&m, 1});
      if (co_await machine.watch(send) != Outcome::kDone) {
        BufferPool::release(m);
        break;
      }
      ++filled;
    }
    buffers.close_sender();
  }

  Task<> middle() {
    std::array<rte_mbuf*, 2> in{};
    Outcome outcome = Outcome::kDone;
    while (outcome == Outcome::kDone) {
      auto receive = buffers.receive(in);
      outcome = co_await machine.watch(receive);
      std::array<SendPacket, 4> out;
      std::size_t n = 0;
      for (rte_mbuf* m : std::span(in).first(receive.received())) {
        ++passed;
        PacketSource source(m, 1);
        for (int half : {0, 2}) {
          Packet packet = source.packet(rte_pktmbuf_mtod(m, const std::uint8_t*) + half, 2);
          out[n++] = packet.send();
        }
      }
      if (outcome != Outcome::kDone) break;
      auto send = packets.send(std::span(out).first(n));
      outcome = co_await machine.watch(send);
      sent += send.sent();
    }
    buffers.close_receiver();
    packets.close_sender();
  }

  Task<> sink() {
    std::array<SendPacket, 3> in;
    std::vector<Packet> halves;
    while (true) {
      auto receive = packets.receive(in);
      if (co_await machine.watch(receive) != Outcome::kDone) break;
      for (SendPacket& item : std::span(in).first(receive.received())) {
        halves.push_back(item.receive());
        ++received;
      }
      while (halves.size() >= 2) {
        EXPECT_EQ(halves[0].data() + 2, halves[1].data());
        EXPECT_EQ(number_at(halves[0].data()), next++);
        halves.erase(halves.begin(), halves.begin() + 2);
      }
    }
    packets.close_receiver();
  }

  void check(bool undisturbed) const {
    EXPECT_EQ(filled, passed + buffers.discarded() + buffers.size());
    EXPECT_EQ(sent, received + packets.discarded() + packets.size());
    if (undisturbed) {
      EXPECT_EQ(next, kItems);
    }
  }

  static constexpr std::uint32_t kItems = 15;
  SimMachine& machine;
  BufferPool& pool;
  GrantLine line;
  BufferChannel buffers;
  PacketChannel packets;
  std::uint64_t filled = 0, passed = 0, sent = 0, received = 0;
  std::uint32_t next = 0;
};

TEST(ChannelSim, BuffersBetweenAllLcores) {
  for (std::uint32_t cache : {0U, 2U}) {
    test::FullPool pool(test::small_pool(4, cache));
    test::Proof(pool).of<Ways<rte_mbuf*>>();
  }
}

TEST(ChannelSim, PacketsBetweenAllLcores) {
  for (std::uint32_t cache : {0U, 2U}) {
    test::FullPool pool(test::small_pool(5, cache));
    test::Proof(pool).of<Ways<SendPacket>>();
  }
}

TEST(ChannelSim, PipelineOverThreeLcores) {
  for (std::uint32_t cache : {0U, 1U, 2U}) {
    test::FullPool pool(test::small_pool(cache + 2, cache));
    test::Proof(pool).of<Pipeline>();
  }
}

}  // namespace
}  // namespace bab
