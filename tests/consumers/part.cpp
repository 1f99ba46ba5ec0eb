#include "part.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <bab/bab.hpp>

namespace {

using bab::BufferPool;
using Texts = std::vector<std::string>;

const Texts kTexts{"hello", "", "bus"};
unsigned failures;

void expect(bool is_so, const char* what) {
  if (is_so) return;
  std::printf("not so: %s\n", what);
  ++failures;
}

std::string text_of(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

bab::wire::FrameHeader header() {
  return bab::wire::FrameHeader({.session = bab::wire::make_session("CONSUMERS")});
}

bab::WriterOptions options() { return {.payload_capacity = 1000, .header_size = header().size()}; }

template <class Writer>
void put_all(Writer& writer) {
  for (const std::string& text : kTexts) {
    auto room = writer.reserve(static_cast<std::uint32_t>(text.size()) + 1);
    expect(static_cast<bool>(room), "there is room");
    std::copy(text.begin(), text.end(), room.data());
    expect(room.commit(text.size()), "a part of the room is committed");
  }
  writer.flush();
}

/// As in the README.
void loopback(BufferPool& pool) {
  bab::Loopback wire;
  bab::Port port({.id = wire.port_id(), .mtu = 1500}, pool);
  port.start();
  bab::FrameRing ring(pool.size());
  bab::WriteFlusher flusher(port.tx(0), header());
  flusher.add(ring);
  bab::LocalWriter writer(pool, ring, options());
  put_all(writer);
  flusher.poll();
  bab::Framer framer;
  Texts came;
  std::array<rte_mbuf*, 32> burst;
  for (unsigned i = 0, n = port.rx(0).receive(burst); i < n; ++i)
    for (bab::ReceivedFrame frame = framer.accept(burst[i]); frame.left() > 0;) {
      const bab::Packet packet = frame.next();
      came.push_back(text_of(packet.clone().bytes()));
    }
  expect(came == kTexts, "a frame comes back over the loopback");
}

void local_and_shared(BufferPool& pool) {
  Texts came;
  auto sink = [&](std::span<const bab::CompleteFrame> frames, std::uint32_t) noexcept {
    for (const bab::CompleteFrame& frame : frames)
      for (const std::span<const std::uint8_t> message : frame) came.push_back(text_of(message));
    return static_cast<unsigned>(frames.size());
  };
  bab::WriteFlusher flusher(sink, header());
  bab::FrameRing local_ring(pool.size()), shared_ring(pool.size());
  flusher.add(local_ring);
  flusher.add(shared_ring);
  bab::LocalWriter local(pool, local_ring, options());
  put_all(local);
  flusher.poll();
  expect(came == kTexts, "a function gets a LocalWriter's frame");
  came.clear();
  bab::SharedWriter shared(pool, options());
  bab::SharedWriter::Producer producer(shared, shared_ring);
  put_all(producer);
  flusher.poll();
  expect(came == kTexts, "a function gets a SharedWriter's frame");
  flusher.begin_session(header());
}

/// A message isn't sent yet when its writer goes, and then its flusher.
void unsent(BufferPool& pool) {
  auto sink = [](std::span<rte_mbuf*>) noexcept { return 0U; };
  bab::FrameRing ring(pool.size());
  bab::WriteFlusher flusher(sink, header());
  flusher.add(ring);
  bab::LocalWriter writer(pool, ring, options());
  put_all(writer);
  flusher.poll();
}

bab::Task<std::size_t> receive_all(bab::PacketChannel& channel, Texts& came) {
  std::array<bab::SendPacket, 8> items;
  while (co_await channel.receive(items) == bab::Outcome::kDone)
    for (bab::SendPacket& item : items)
      if (item) came.push_back(text_of(item.receive().bytes()));
  co_return came.size();
}

void tasks(BufferPool& pool) {
  bab::Lcore lcore;
  bab::PacketChannel channel(16);
  bab::NoFlushWriter writer(pool);
  Texts came;
  std::size_t count = 0;
  lcore.add(writer);
  lcore.spawn([&]() -> bab::Task<> { count = co_await receive_all(channel, came); });
  lcore.spawn([&]() -> bab::Task<> {
    for (const std::string& text : kTexts) {
      auto room = co_await bab::reserve_wait(writer, static_cast<std::uint32_t>(text.size()));
      std::copy(text.begin(), text.end(), room.data());
      std::array<bab::Packet, 1> packet{room.commit_packet()};
      co_await channel.send(std::span<bab::Packet>(packet));
      co_await bab::Yield();
    }
    writer.flush();
    co_await bab::Sleep(lcore.deadline_in(1000));
    rte_mbuf* buffer = co_await pool.acquire();
    BufferPool::release(buffer);
    channel.close_sender();
  });
  lcore.run_tasks();
  expect(count == kTexts.size() && came == kTexts, "Packets come through a channel");
  expect(lcore.remove(writer), "a poller is removed");
}

void staging(BufferPool& pool) {
  bab::StagingFramer framer(pool);
  const std::span<std::uint8_t> room = framer.try_write();
  expect(room.size() >= 3, "there is room to stage");
  std::copy_n("bus", 3, room.data());
  expect(framer.commit(3), "staged");
  expect(text_of(framer.finish_frame().bytes()) == "bus", "a Packet of what was staged");
}

void bursts(BufferPool& pool) {
  std::array<rte_mbuf*, 4> some{};
  expect(pool.try_acquire(some), "four buffers");
  BufferPool::release(std::span<rte_mbuf* const>(some));
}

unsigned use_all(BufferPool& pool) {
  failures = 0;
  loopback(pool);
  local_and_shared(pool);
  unsent(pool);
  tasks(pool);
  staging(pool);
  bursts(pool);
  expect(pool.in_use() == 0, "all buffers are back");
  return failures;
}

bab::Packet make(BufferPool& pool) {
  bab::NoFlushWriter writer(pool);
  auto room = writer.reserve(3);
  std::copy_n("bus", 3, room.data());
  return room.commit_packet();
}

[[maybe_unused]] const bool there = [] {
  parts().push_back({use_all, [](BufferPool& pool) { return pool.try_acquire(); },
                     [](rte_mbuf* m) { BufferPool::release(m); }, make,
                     [](bab::Packet packet) { packet = bab::Packet(); }});
  return true;
}();

}  // namespace
