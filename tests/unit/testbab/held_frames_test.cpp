#include "held_frames.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>

#include "full_pool.hpp"
#include "summary.hpp"

namespace testbab {
namespace {

using bab::test::FullPool;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr std::uint32_t kHeldMessageBytes = 10;  // per message

/// A driver that keeps the frames that it takes, and frees them late.
struct KeepingDriver {
  unsigned send(std::span<rte_mbuf*> frames) noexcept {
    const std::size_t n = std::min(frames.size(), room);
    held.insert(held.end(), frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(n));
    room -= n;
    return static_cast<unsigned>(n);
  }
  void free(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) bab::BufferPool::release(held[i]);
    held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(n));
  }
  ~KeepingDriver() { free(held.size()); }

  std::vector<rte_mbuf*> held;
  std::size_t room = 64;
};

/// Sends messages of one session to the driver, in frames.
struct HeldStream {
  HeldStream(FullPool& pool, KeepingDriver& driver, const char* name)
      : session(bab::wire::make_session(name)),
        header([&] {
          bab::wire::FrameHeaderOptions o;
          o.session = session;
          return bab::wire::FrameHeader(o);
        }()),
        ring(pool.size()),
        writer(pool, ring, {.payload_capacity = 1000, .header_size = header.size()}),
        flusher(driver, header) {
    flusher.add(ring);
  }
  void send(unsigned messages) {
    for (unsigned i = 0; i < messages; ++i) {
      auto room = writer.reserve(kHeldMessageBytes);
      ASSERT_TRUE(room);
      std::fill_n(room.data(), kHeldMessageBytes, std::uint8_t{0});
      room.commit();
    }
    writer.flush();
    (void)flusher.poll();
  }

  bab::wire::Session session;
  bab::wire::FrameHeader header;
  bab::FrameRing ring;
  bab::LocalWriter writer;
  bab::WriteFlusher<KeepingDriver> flusher;
};

class Held : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::uint64_t> messages(std::uint64_t frames) const {
    std::vector<std::uint64_t> all;
    for (const HeldFrame& frame : held_frames(pool_, frames)) {
      EXPECT_EQ(frame.bytes, kHeldMessageBytes * frame.messages);
      all.push_back(frame.messages);
    }
    return all;
  }

  FullPool pool_{32};
  KeepingDriver driver_;
};

TEST_F(Held, AreTheLastFramesThatADriverTook) {
  HeldStream stream(pool_, driver_, "A");
  for (unsigned n = 1; n <= 5; ++n) stream.send(n);
  EXPECT_THAT(messages(0), IsEmpty());
  EXPECT_THAT(messages(2), ElementsAre(5, 4)) << "the others were sent, and not freed yet";
  driver_.free(3);
  EXPECT_THAT(messages(9), ElementsAre(5, 4));
  stream.send(7);
  EXPECT_THAT(messages(2), ElementsAre(7, 5));
}

TEST_F(Held, AreNotThoseThatItDidNotTake) {
  driver_.room = 2;
  HeldStream stream(pool_, driver_, "A");
  for (unsigned n = 1; n <= 4; ++n) stream.send(n);
  EXPECT_EQ(stream.flusher.drop_pending(), 2U);
  EXPECT_THAT(messages(9), ElementsAre(2, 1));
}

TEST_F(Held, AreOfTheRunOnly) {
  {
    HeldStream earlier(pool_, driver_, "A");
    for (unsigned n = 1; n <= 5; ++n) earlier.send(n);
  }
  forget_held_frames(pool_);
  HeldStream stream(pool_, driver_, "A");
  stream.send(8);
  EXPECT_THAT(messages(3), ElementsAre(8));
}

TEST_F(Held, OfSeveralSessionsAreTheLastOnesOfEach) {
  HeldStream a(pool_, driver_, "A"), b(pool_, driver_, "B");
  for (unsigned n = 1; n <= 3; ++n) {
    a.send(n);
    b.send(n + 10);
  }
  EXPECT_THAT(messages(4), UnorderedElementsAre(3, 13, 2, 12));
}

TEST_F(Held, AreNotSentInTheSummary) {
  HeldStream a(pool_, driver_, "A"), b(pool_, driver_, "B");
  for (unsigned n = 1; n <= 3; ++n) a.send(n);
  b.send(4);
  Summary summary;
  driver_.free(1);  // of the four frames one is freed; another one is sent, but not freed
  std::vector<HeldFrame> frames = held_frames(pool_, 2);
  ASSERT_EQ(frames.size(), 2U);
  for (const HeldFrame& frame : frames) summary.held.add(frame);
  EXPECT_EQ(summary.held.messages(), 7U);
  for (const HeldStream* each : {&a, &b}) {
    const bab::FlusherStats& s = each->flusher.stats();
    summary.bus.messages_out += s.messages;
    summary.bus.bytes_out += s.bytes;
    summary.bus.frames_out += s.frames;
    summary.ledger.row("messages", s.messages).out = {{"sent", s.messages}, {"tx_full", 0}};
    summary.set_held_apart(each->session);
    summary.ledger.row("frames", s.frames).out = {{"sent", s.frames}};
  }
  const auto& rows = summary.ledger.rows();
  EXPECT_THAT(rows[0].out, ElementsAre(Pair("sent", 3), Pair("tx_full", 0), Pair(kHeldTerm, 3)));
  EXPECT_THAT(rows[2].out, ElementsAre(Pair("sent", 0), Pair("tx_full", 0), Pair(kHeldTerm, 4)));
  EXPECT_EQ(summary.bus.messages_out, 3U);
  EXPECT_EQ(summary.bus.bytes_out, 3 * kHeldMessageBytes);
  EXPECT_EQ(summary.bus.frames_out, 2U);
  // One of the two frames is sent later. The other one is lost when the port is stopped.
  std::erase_if(frames, [&](const HeldFrame& frame) { return frame.session != a.session; });
  summary.lose_held(frames.at(0));
  EXPECT_THAT(rows[0].out, ElementsAre(Pair("sent", 3), Pair("tx_full", 0), Pair(kHeldTerm, 0),
                                       Pair("tx_unsent", 3)));
  EXPECT_TRUE(summary.ledger.balanced());
}

TEST_F(Held, NothingIsSaidOfWhatASessionHasNotInTheNic) {
  HeldStream a(pool_, driver_, "A");
  a.send(5);
  Summary summary;
  summary.ledger.row("messages", 5).out = {{"sent", 5}};
  summary.set_held_apart(a.session);
  EXPECT_THAT(summary.ledger.rows()[0].out, ElementsAre(Pair("sent", 5)));
}

}  // namespace
}  // namespace testbab
