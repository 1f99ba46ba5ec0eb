#include <array>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <rte_kvargs.h>

#include <bab/lcore/lcore.hpp>
#include <bab/message/flush_wait.hpp>
#include <bab/message/framer.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/reserve_wait.hpp>
#include <bab/message/shared_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/port.hpp>

#include "flusher_bench.hpp"
#include "heap_counter.hpp"

namespace bab {
namespace {

using test::HeapCounter;

/// A compiler may drop a pair of new and delete if nothing else can see the memory.
void seen_elsewhere(void* p) { asm volatile("" : : "r"(p) : "memory"); }

struct AllocationTest : testing::Test {
  void SetUp() override {
    if (!test::kCountsHeapCalls)
      GTEST_SKIP() << "a sanitizer's own malloc is in the place where calls are counted";
  }
  std::uint64_t before = 0;
  void start_counting() { before = HeapCounter::all(); }
  [[nodiscard]] std::uint64_t counted() const { return HeapCounter::all() - before; }
};

TEST_F(AllocationTest, TheCounterCounts) {
  start_counting();
  // volatile: the compiler may drop a malloc and free that it can see through
  volatile std::size_t size = 100;
  EXPECT_EQ(counted(), 0U);
  void* volatile p = std::malloc(size);
  EXPECT_EQ(counted(), 1U);
  p = std::realloc(p, 2 * size);
  std::free(p);
  EXPECT_EQ(counted(), 3U);
  p = std::calloc(size, 2);
  std::free(p);
  p = std::aligned_alloc(64, 128 * size);
  std::free(p);
  EXPECT_EQ(counted(), 7U);
  const std::uint64_t news = HeapCounter::news;
  auto object = std::make_unique<std::array<char, 300>>();
  seen_elsewhere(object.get());
  object.reset();
  auto array = std::make_unique<std::uint8_t[]>(size);
  seen_elsewhere(array.get());
  array.reset();
  EXPECT_EQ(HeapCounter::news, news + 2);
  EXPECT_EQ(counted(), 7U + 8U) << "new and delete, and the malloc and free they call";
}

TEST_F(AllocationTest, TheCounterSeesOtherLibraries) {
  start_counting();
  rte_kvargs* arguments = rte_kvargs_parse("by=librte_kvargs", nullptr);
  ASSERT_NE(arguments, nullptr);
  rte_kvargs_free(arguments);
  EXPECT_GE(counted(), 2U);
  start_counting();
  std::FILE* file = std::fopen("/dev/null", "r");
  ASSERT_NE(file, nullptr);
  std::fclose(file);
  EXPECT_GE(counted(), 2U) << "the C library itself";
}

/// The whole way of a message on one lcore: writer, ring, flusher, port, framer, Packets.
struct Bus {
  static constexpr std::uint32_t kMtu = 1500;

  static BufferPoolOptions pool_options() {
    BufferPoolOptions o = test::small_pool(64, 16);
    o.receives = true;
    return o;
  }

  explicit Bus(FlushPolicy policy)
      : writer(pool, ring, {wire::FrameHeader::payload_capacity(kMtu), header.size(), policy, 0}),
        flusher(port.tx(0), header) {
    flusher.add(ring);
    port.start();
  }

  static PortOptions port_options(const Loopback& loopback) {
    PortOptions o;
    o.id = loopback.port_id();
    o.mtu = kMtu;
    return o;
  }

  test::FullPool pool{pool_options()};
  Loopback loopback;
  Port port{port_options(loopback), pool};
  wire::FrameHeader header{test::header_options()};
  FrameRing ring{64};
  LocalWriter writer;
  WriteFlusher<TxQueue> flusher;
  Framer framer;
  Packet kept;  // of the last frame; dropped with the bus
  std::uint64_t received = 0;
  std::uint64_t tsc = 0;

  void write(std::uint64_t number) {
    const auto len = static_cast<std::uint32_t>(8 + number % 57);
    for (;;) {
      if (auto r = writer.reserve(len)) return settle(std::move(r), number);
      turn();  // no free buffer: frames under way must come back first
    }
  }

  static void settle(LocalWriter::Reservation r, std::uint64_t number) {
    std::memcpy(r.data(), &number, sizeof number);
    switch (number % 11) {
      case 3:
        EXPECT_TRUE(r.commit(8));
        break;
      case 7:
        EXPECT_TRUE(r.commit_packet());
        break;
      default:
        r.commit();
    }
  }

  void turn() {
    writer.poll(++tsc);
    flusher.poll();
    std::array<rte_mbuf*, 32> burst;
    const unsigned n = port.rx(0).receive(burst);
    for (unsigned i = 0; i < n; ++i) {
      ReceivedFrame frame = framer.accept(burst[i]);
      while (frame.left() > 0) {
        Packet packet = frame.next();
        std::uint64_t number;
        std::memcpy(&number, packet.data(), sizeof number);
        if (number != received) ADD_FAILURE() << number << " came instead of " << received;
        ++received;
        Packet clone = packet.clone();
        SendPacket sent = packet.send();
        Packet again = sent.receive();
        if (number % 5 == 0) kept = std::move(again);
      }
    }
  }
};

TEST_F(AllocationTest, NoneForAHundredThousandMessagesFromEndToEnd) {
  Bus bus({.max_messages = 40, .max_delay_tsc = 100});
  start_counting();
  constexpr std::uint64_t kMessages = 100'000;
  for (std::uint64_t number = 0; number < kMessages; ++number) {
    bus.write(number);
    if (number % 16 == 0) bus.turn();
  }
  for (int i = 0; i < 200; ++i) bus.turn();
  const std::uint64_t calls = counted();
  EXPECT_EQ(bus.received, kMessages);
  EXPECT_EQ(calls, 0U);
  EXPECT_EQ(bus.framer.drops().total(DropUnit::kFrame), 0U);
}

/// Publishes through any kind of writer, and awaits buffers and flushes, until the lcore stops.
template <class Writer>
Task<> publish(Writer& writer, std::uint64_t& flushed) {
  Packet kept;
  while (!Lcore::current()->stop_requested()) {
    for (std::uint32_t i = 0; i < 10; ++i) {
      auto r = co_await reserve_wait(writer, 8 + i);
      if (!r) co_return;
      std::memset(r.data(), 'x', r.size());
      if (i == 3)
        kept = r.commit_packet();
      else
        r.commit();
    }
    if constexpr (std::same_as<Writer, NoFlushWriter>) {
      writer.flush();
      ++flushed;
    } else if (co_await flush_wait(writer) == Flushed::kSent) {
      ++flushed;
    }
    co_await Yield();
  }
}

TEST_F(AllocationTest, NoneForWritersOfEveryKindAndTheirWaits) {
  test::FullPool pool(8);
  FrameRing local_ring(8), shared_ring(8);
  std::uint64_t messages = 0;
  Packet kept;
  auto sink = [&](std::span<const CompleteFrame> frames, std::uint32_t) noexcept {
    for (const CompleteFrame& frame : frames) {
      for (const auto message : frame) messages += message.empty() ? 0 : 1;
      kept = frame.packet();
    }
    return static_cast<unsigned>(frames.size());
  };
  WriteFlusher flusher(sink, wire::FrameHeader(test::header_options()));
  flusher.add(local_ring);
  flusher.add_shared(std::array{&shared_ring});
  LocalWriter local(pool, local_ring, test::small_frames(100));
  SharedWriter shared(pool, test::small_frames(100));
  SharedWriter::Producer producer(shared, shared_ring);
  NoFlushWriter no_flush(pool, test::small_frames(100));
  Lcore lcore;
  lcore.add(local);
  lcore.add(producer);
  lcore.add(no_flush);
  lcore.add(flusher);
  std::array<std::uint64_t, 3> flushed{};
  lcore.spawn([&] { return publish(local, flushed[0]); });
  lcore.spawn([&] { return publish(producer, flushed[1]); });
  lcore.spawn([&] { return publish(no_flush, flushed[2]); });
  std::uint64_t now = 0;
  // the first turns take the coroutines' memory from the heap, once
  while (now < 100) lcore.turn(++now);
  start_counting();
  while (now < 5'000) lcore.turn(++now);
  const std::uint64_t calls = counted();
  EXPECT_EQ(calls, 0U);
  for (const std::uint64_t n : flushed) EXPECT_GT(n, 100U);
  EXPECT_GT(messages, 1000U);
  lcore.request_stop();
  while (lcore.tasks() > 0) lcore.turn(++now);
  kept = Packet();
}

TEST_F(AllocationTest, APlantedOneAmongThemIsSeen) {
  Bus bus({.max_messages = 40, .max_delay_tsc = 100});
  start_counting();
  for (std::uint64_t number = 0; number < 1000; ++number) {
    bus.write(number);
    if (number == 500) std::string(100, 'x').swap(*std::make_unique<std::string>());
    bus.turn();
  }
  for (int i = 0; i < 200; ++i) bus.turn();
  EXPECT_EQ(bus.received, 1000U);
  EXPECT_GT(counted(), 0U);
}

}  // namespace
}  // namespace bab
