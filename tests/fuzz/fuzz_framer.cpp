#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <rte_mbuf.h>

#include <bab/base/eal.hpp>
#include <bab/detail/sanitizers.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/message/framer.hpp>

#include "naive_parser.hpp"

namespace bab {
namespace {

using test::Bytes;
using test::NaiveFrame;

#define REQUIRE(condition)                                                       \
  if (!(condition)) {                                                            \
    std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    std::abort();                                                                \
  }                                                                              \
  static_assert(true)

BufferPoolOptions pool_options() {
  BufferPoolOptions o;
  o.name = "fuzz";
  o.buffers = 8;
  o.data_room = RTE_PKTMBUF_HEADROOM + 2048;
  o.cache = 0;
  return o;
}

/// Objects for the whole life of the process, because EAL can be initialised only once.
struct Bench {
  const Eal eal{std::vector<std::string>{"--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
                                         "-m", "32", "--lcores", "0@0"}};
  BufferPool pool{pool_options()};
  std::unique_ptr<rte_mempool, void (*)(rte_mempool*)> foreign{
      rte_pktmbuf_pool_create("foreign", 4, 0, 0, RTE_PKTMBUF_HEADROOM + 2048, SOCKET_ID_ANY),
      rte_mempool_free};
};

Bench& bench() {
  static Bench b;
  return b;
}

/// Copies the bytes into an mbuf, and poisons the rest: AddressSanitizer reports any read there.
void fill(rte_mbuf* m, std::span<const std::uint8_t> data) {
  char* to = rte_pktmbuf_append(m, static_cast<std::uint16_t>(data.size()));
  REQUIRE(to != nullptr);
  std::copy(data.begin(), data.end(), to);
  detail::asan_poison(m->buf_addr, m->data_off);
  detail::asan_poison(to + data.size(), rte_pktmbuf_tailroom(m));
}

/// One mbuf, or a chain of mbufs. All but the last one hold `each` bytes.
rte_mbuf* chain(std::span<const std::uint8_t> data, std::size_t each) {
  rte_mbuf* head = nullptr;
  do {
    const std::span part = data.first(std::min(each, data.size()));
    data = data.subspan(part.size());
    rte_mbuf* m = bench().pool.try_acquire();
    REQUIRE(m != nullptr);
    fill(m, part);
    if (head == nullptr)
      head = m;
    else
      REQUIRE(rte_pktmbuf_chain(head, m) == 0);
  } while (!data.empty());
  return head;
}

/// Checks a frame that must be dropped for one of `reasons`.
void expect_drop(rte_mbuf* m, const FramerOptions& options, const std::set<Drop>& reasons) {
  Framer framer(options);
  ReceivedFrame frame = framer.accept(m);
  REQUIRE(!frame);
  REQUIRE(framer.stats().frames == 0 && framer.stats().messages == 0);
  std::uint64_t dropped = 0;
  for (Drop reason : reasons) dropped += framer.drops()[reason];
  REQUIRE(dropped == 1 && framer.drops().total(DropUnit::kFrame) == 1);
}

void expect_messages(rte_mbuf* m, const FramerOptions& options, const NaiveFrame& naive) {
  Framer framer(options);
  std::vector<Packet> packets;
  {
    ReceivedFrame frame = framer.accept(m);
    REQUIRE(frame);
    const wire::MoldHeader& header = frame.header();
    REQUIRE(Bytes(header.session.begin(), header.session.end()) == naive.session);
    REQUIRE(header.sequence == naive.sequence && header.count == naive.count);
    REQUIRE(frame.left() == naive.messages.size());
    // In the first half of the messages, every second one is read at once. The others are kept as
    // Packets until after the frame's end. A loop does the same with the second half.
    std::size_t i = 0;
    for (; i < naive.messages.size() / 2; ++i) {
      if (i % 2 == 1) {
        const auto bytes = frame.next_bytes();
        REQUIRE(Bytes(bytes.begin(), bytes.end()) == naive.messages[i]);
      } else {
        packets.push_back(frame.next());
      }
    }
    for (const auto message : frame) {
      REQUIRE(i < naive.messages.size());
      REQUIRE(Bytes(message.begin(), message.end()) == naive.messages[i]);
      if (i++ % 2 == 0) packets.push_back(frame.packet(message));
    }
    REQUIRE(i == naive.messages.size() && frame.left() == 0);
  }
  REQUIRE(packets.size() == (naive.messages.size() + 1) / 2);
  REQUIRE(bench().pool.in_use() == (packets.empty() ? 0U : 1U));
  std::uint64_t bytes = 0;
  for (const Bytes& message : naive.messages) bytes += message.size();
  REQUIRE(framer.stats().frames == 1 && framer.stats().bytes == bytes);
  REQUIRE(framer.stats().messages == naive.messages.size());
  REQUIRE(framer.drops().total(DropUnit::kFrame) == 0);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Packet packet = std::move(packets[i]);
    REQUIRE(Bytes(packet.bytes().begin(), packet.bytes().end()) == naive.messages[2 * i]);
  }
}

/// A frame in mbufs that hold `each` bytes. `flags`: what the NIC says about the checksums.
void frame_in(std::span<const std::uint8_t> data, std::size_t each, VerifyChecksums checksums,
              std::uint64_t flags) {
  const bool verify = checksums != VerifyChecksums::kOff;
  const bool trust = checksums == VerifyChecksums::kDeviceThenHere;
  const NaiveFrame naive =
      test::naive_parse(data, verify && !(trust && (flags & RTE_MBUF_F_RX_IP_CKSUM_GOOD) != 0),
                        verify && !(trust && (flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD) != 0), 0);
  rte_mbuf* m = chain(data, each);
  m->ol_flags = flags;
  if (naive.faults.empty())
    expect_messages(m, {checksums, 0}, naive);
  else
    expect_drop(m, {checksums, 0}, naive.faults);
  REQUIRE(bench().pool.in_use() == 0);
}

void one_input(std::span<const std::uint8_t> data) {
  constexpr std::size_t kMax = 2048;
  if (data.size() <= kMax) {
    frame_in(data, data.size(), VerifyChecksums::kOff, 0);
    frame_in(data, data.size(), VerifyChecksums::kSoftware,
             RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD);
    for (std::uint64_t flags : {0ULL, RTE_MBUF_F_RX_IP_CKSUM_GOOD, RTE_MBUF_F_RX_L4_CKSUM_GOOD,
                                RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD,
                                RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_GOOD})
      frame_in(data, data.size(), VerifyChecksums::kDeviceThenHere, flags);
    rte_mbuf* m = rte_pktmbuf_alloc(bench().foreign.get());
    REQUIRE(m != nullptr);
    fill(m, data);
    // bab doesn't do this for a pool that isn't its own
    detail::asan_unpoison(m->buf_addr, m->buf_len);
    expect_drop(m, {VerifyChecksums::kOff, 0}, {Drop::kForeignBuffer});
    REQUIRE(rte_mempool_full(bench().foreign.get()));
  }
  // In a chain: of many segments, and of two with only one byte in the second one. The framer
  // gathers the chain if it fits into one buffer.
  for (const std::size_t each : {(data.size() + 6) / 7, data.size() - 1}) {
    if (data.size() < 2 || each > kMax || data.size() > each * 8) continue;
    if (data.size() <= kMax)
      frame_in(data, each, VerifyChecksums::kSoftware, 0);
    else
      expect_drop(chain(data, each), {VerifyChecksums::kOff, 0}, {Drop::kMultiSegment});
    REQUIRE(bench().pool.in_use() == 0);
  }
}

}  // namespace
}  // namespace bab

/// Takes any bytes as a received frame, in one mbuf or several. The framer must give the messages
/// that a naive parser finds, or drop the whole frame. The pool must be full again after each
/// frame.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bab::one_input(std::span(data, size));
  return 0;
}
