#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include <valgrind/callgrind.h>

#include <bab/base/eal.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/message/framer.hpp>
#include <bab/message/reserve_wait.hpp>
#include <bab/message/shared_writer.hpp>

#include "instructions.hpp"
#include "made_frames.hpp"
#include "message.hpp"
#include "pools.hpp"

/// Runs each hot path twice under callgrind: with one lot of messages, and with two lots. The
/// counts are written after each run. Set-up is in both runs, so the difference is the cost of one
/// lot.
namespace bench {
namespace {

constexpr std::uint64_t kTurn = 512;
/// A number of messages that makes whole turns and whole frames (a frame of 8,900 bytes holds 259
/// messages of 32 bytes).
constexpr std::uint64_t kLot = kTurn * (kPayloadBytes / 34);
constexpr bab::WriterOptions kOptions{kPayloadBytes, kHeaderBytes, {}, 0};

void pool_acquire_release(std::uint64_t n) {
  OpenPool pool(pool_options(64, 2176));
  for (; n > 0; --n) {
    rte_mbuf* m = pool.try_acquire();
    use(m);
    bab::BufferPool::release(m);
  }
}

bab::Packet make_packet(bab::BufferPool& pool) {
  rte_mbuf* m = pool.try_acquire();
  return bab::PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, std::uint8_t*), 32);
}

void packet_clone_drop(std::uint64_t n) {
  OpenPool pool(pool_options(64, 2176));
  const bab::Packet packet = make_packet(pool);
  for (; n > 0; --n) {
    const bab::Packet copy = packet.clone();
    clobber();
  }
}

void packet_send_receive(std::uint64_t n) {
  OpenPool pool(pool_options(64, 2176));
  bab::Packet packet = make_packet(pool);
  for (; n > 0; --n) {
    bab::SendPacket on_its_way = packet.send();
    clobber();
    packet = on_its_way.receive();
  }
}

/// Calls `write(writer, message)` once per message. The frames are freed each turn.
template <class Write>
void local_writer(std::uint64_t n, const Write& write) {
  const Message message;
  OpenPool pool(pool_options(64, kJumboRoom));
  bab::FrameRing ring(64);
  bab::LocalWriter writer(pool, ring, kOptions);
  for (; n > 0; n -= kTurn) {
    for (std::uint64_t i = 0; i < kTurn; ++i) write(writer, message);
    writer.poll(0);
    free_frames(ring);
  }
}

void local_writer_32(std::uint64_t n) {
  local_writer(n, [](bab::LocalWriter& writer, const Message& message) {
    auto room = writer.reserve(32);
    message.copy_to(room.data(), 32);
    room.commit();
  });
}

void local_writer_packet_32(std::uint64_t n) {
  local_writer(n, [](bab::LocalWriter& writer, const Message& message) {
    auto room = writer.reserve(32);
    message.copy_to(room.data(), 32);
    const bab::Packet packet = room.commit_packet();
    use(packet.data());
  });
}

bab::Task<> write_in_turns(std::uint64_t n, bab::LocalWriter& writer, bab::FrameRing& ring) {
  const Message message;
  for (; n > 0; n -= kTurn) {
    for (std::uint64_t i = 0; i < kTurn; ++i) {
      auto room = co_await bab::reserve_wait(writer, 32);
      message.copy_to(room.data(), 32);
      room.commit();
    }
    writer.poll(0);
    free_frames(ring);
  }
}

void local_writer_coro_32(std::uint64_t n) {
  OpenPool pool(pool_options(64, kJumboRoom));
  bab::FrameRing ring(64);
  bab::LocalWriter writer(pool, ring, kOptions);
  bab::Lcore lcore;
  lcore.spawn([&] { return write_in_turns(n, writer, ring); });
  for (std::uint64_t now = 1; lcore.tasks() > 0; ++now) lcore.turn(now);
}

void shared_writer_32(std::uint64_t n) {
  const Message message;
  OpenPool pool(pool_options(64, kJumboRoom));
  bab::FrameRing ring(64);
  bab::SharedWriter writer(pool, kOptions);
  {
    bab::SharedWriter::Producer producer(writer, ring);
    for (; n > 0; n -= kTurn) {
      for (std::uint64_t i = 0; i < kTurn; ++i) {
        auto room = producer.reserve(32);
        message.copy_to(room.data(), 32);
        room.commit();
      }
      producer.poll(0);
      free_frames(ring);
    }
  }
  free_frames(ring);
}

void framer_32(std::uint64_t n) {
  MadeFrames made(4, kFrameBytes, 32);
  bab::Framer framer;
  const auto per_frame = static_cast<std::uint64_t>(made.messages_per_frame());
  for (std::uint64_t done = 0; done < n; done += per_frame) {
    rte_mbuf* m = made.frames()[done / per_frame % 4];
    bab::Shares<>::take(m);
    bab::ReceivedFrame frame = framer.accept(m);
    while (frame.left() > 0) {
      const bab::Packet packet = frame.next();
      use(packet.data());
    }
  }
}

void channel_32(std::uint64_t n) {
  OpenPool pool(pool_options(64, 2176));
  bab::PacketChannel channel(64);
  std::array<bab::SendPacket, 32> packets;
  for (bab::SendPacket& p : packets) p = make_packet(pool).send();
  for (; n > 0; n -= packets.size()) {
    channel.try_send(packets);
    channel.try_receive(packets);
  }
}

struct Path {
  const char* name;
  void (*run)(std::uint64_t messages);
};
constexpr Path kPaths[] = {
    {"pool_acquire_release", pool_acquire_release},
    {"packet_clone_drop", packet_clone_drop},
    {"packet_send_receive", packet_send_receive},
    {"local_writer_32", local_writer_32},
    {"local_writer_coro_32", local_writer_coro_32},
    {"local_writer_packet_32", local_writer_packet_32},
    {"shared_writer_32", shared_writer_32},
    {"framer_32", framer_32},
    {"framer_loop_32", framer_loop_32},
    {"channel_32", channel_32},
    {"frame_out_32", frame_out_32},
    {"bus_32", bus_32},
    {"bus_frames_32", bus_frames_32},
    {"parts_32", parts_32},
};

void count(const Path& path) {
  path.run(kTurn);  // before counting: only the first run has some of the work
  CALLGRIND_ZERO_STATS;
  static std::deque<std::string> names;  // static: callgrind reads the names later
  for (const std::uint64_t lots : {1, 2}) {
    names.push_back(std::string(path.name) + ' ' + std::to_string(lots));
    path.run(lots * kLot);
    CALLGRIND_DUMP_STATS_AT(names.back().c_str());
  }
}

}  // namespace
}  // namespace bench

int main() {
  const std::vector<std::string> args{"--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
                                      "-m",        "32",          "--lcores", "0@0"};
  try {
    const bab::Eal eal(args);
    for (const auto& path : bench::kPaths) bench::count(path);
    std::printf("%llu\n", static_cast<unsigned long long>(bench::kLot));
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "instructions: %s\n", e.what());
    return 1;
  }
}
