#include <bab/message/framer.hpp>

#include <array>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "full_pool.hpp"
#include "lcores.hpp"
#include "made_frame.hpp"
#include "packets.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::MadeFrame;
using test::text_of;
using testing::ElementsAre;

struct FramerTest : testing::Test {
  /// A received mbuf that holds these bytes.
  rte_mbuf* received(const test::Bytes& bytes, BufferPool* from = nullptr) {
    rte_mbuf* m = (from != nullptr ? *from : pool).try_acquire();
    EXPECT_NE(m, nullptr);
    std::memcpy(rte_pktmbuf_append(m, static_cast<std::uint16_t>(bytes.size())), bytes.data(),
                bytes.size());
    return m;
  }
  rte_mbuf* received(const MadeFrame& frame) { return received(frame.bytes()); }

  Drop dropped_as(Framer& by, rte_mbuf* m) {
    EXPECT_FALSE(by.accept(m));
    EXPECT_EQ(by.drops().total(DropUnit::kFrame), 1U) << "one frame, one reason";
    for (std::size_t i = 0; i < kDrops; ++i)
      if (by.drops()[static_cast<Drop>(i)] != 0) return static_cast<Drop>(i);
    return Drop::kNone;
  }

  static std::vector<std::string> texts(ReceivedFrame& frame) {
    std::vector<std::string> all;
    while (frame.left() > 0) all.push_back(text_of(frame.next()));
    return all;
  }

  FullPool pool{4};
  Framer framer;
};

TEST_F(FramerTest, GivesAFramesMessagesInOrderWithoutACopy) {
  MadeFrame made;
  made.sequence = 77;
  rte_mbuf* m = received(made);
  const auto* start = rte_pktmbuf_mtod(m, const std::uint8_t*);
  ReceivedFrame frame = framer.accept(m);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame.header().session, wire::make_session("DAY0000001"));
  EXPECT_EQ(frame.header().sequence, 77U);
  EXPECT_EQ(frame.header().count, 2);
  EXPECT_EQ(frame.left(), 2U);
  const Packet first = frame.next();
  EXPECT_EQ(frame.left(), 1U);
  const Packet second = frame.next();
  EXPECT_EQ(frame.left(), 0U);
  EXPECT_EQ(text_of(first), "never gonna");
  EXPECT_EQ(text_of(second), "give");
  EXPECT_EQ(first.data(), start + 62 + 2);
  EXPECT_EQ(framer.stats().frames, 1U);
  EXPECT_EQ(framer.stats().messages, 2U);
  EXPECT_EQ(framer.stats().bytes, 15U);
}

TEST_F(FramerTest, NextBytesReadsTheSameWithoutAHandle) {
  ReceivedFrame frame = framer.accept(received(MadeFrame{}));
  const auto bytes = frame.next_bytes();
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "never gonna");
  EXPECT_EQ(text_of(frame.next()), "give") << "both may be used in turn";
  EXPECT_EQ(frame.left(), 0U);
}

TEST_F(FramerTest, TryNextBytesSaysThatThereIsNone) {
  ReceivedFrame none;
  EXPECT_EQ(none.try_next_bytes().data(), nullptr);
  ReceivedFrame frame = framer.accept(received(MadeFrame{}));
  const auto first = frame.try_next_bytes();
  EXPECT_EQ(std::string(first.begin(), first.end()), "never gonna");
  EXPECT_EQ(frame.left(), 1U);
  EXPECT_EQ(frame.try_next_bytes().size(), 4U);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(frame.try_next_bytes().data(), nullptr);
    EXPECT_EQ(frame.left(), 0U);
  }
}

TEST_F(FramerTest, ALoopTakesTheMessages) {
  MadeFrame made;
  made.messages.push_back({});
  made.messages.push_back(test::bytes_of("up"));
  std::vector<std::string> all;
  for (const auto message : framer.accept(received(made)))
    all.emplace_back(message.begin(), message.end());
  EXPECT_THAT(all, ElementsAre("never gonna", "give", "", "up"));
  EXPECT_EQ(pool.in_use(), 0U);
  for (const auto message : framer.accept(received(test::Bytes(1, 0))))
    ADD_FAILURE() << message.size();
}

TEST_F(FramerTest, ALoopThatIsLeftGoesOnWithTheNextMessage) {
  MadeFrame made;
  made.messages.assign(3, test::bytes_of("same"));
  ReceivedFrame frame = framer.accept(received(made));
  for (const auto message : frame) {
    EXPECT_EQ(message.size(), 4U);
    break;
  }
  EXPECT_EQ(frame.left(), 2U);
  (void)frame.next();
  unsigned rest = 0;
  for ([[maybe_unused]] const auto message : frame) ++rest;
  EXPECT_EQ(rest, 1U);
  for (const auto message : frame) ADD_FAILURE() << message.size();
}

TEST_F(FramerTest, AMessageOfALoopIsKeptAsAPacket) {
  std::vector<Packet> kept;
  {
    ReceivedFrame frame = framer.accept(received(MadeFrame{}));
    for (const auto message : frame) kept.push_back(frame.packet(message));
    kept.push_back(frame.packet(frame.bytes().first(2)));
  }
  EXPECT_EQ(pool.in_use(), 1U);
  EXPECT_EQ(text_of(kept.at(0)), "never gonna");
  EXPECT_EQ(text_of(kept.at(1)), "give");
  EXPECT_EQ(kept.at(2).size(), 2U);
}

TEST_F(FramerTest, TheNextFrameIsOnlyLookedAt) {
  MadeFrame made;
  rte_mbuf* const first = received(made);
  rte_mbuf* const bad = received(test::Bytes(1, 0));
  rte_mbuf* const last = received(made);
  {
    ReceivedFrame frame = framer.accept(first, bad);
    const auto all = texts(frame);
    EXPECT_FALSE(all.empty());
    EXPECT_FALSE(framer.accept(bad, last)) << "what comes next is judged when it comes";
    ReceivedFrame again = framer.accept(last);
    EXPECT_EQ(texts(again), all);
  }
  EXPECT_EQ(framer.stats().frames, 2U);
  // The next frame (second argument) stays the caller's if it isn't accepted later.
  rte_mbuf* const kept = received(made);
  (void)framer.accept(received(made), kept);
  EXPECT_EQ(Shares<>::count(kept), 1U);
  BufferPool::release(kept);
}

TEST_F(FramerTest, CountsABurst) {
  std::vector<Packet> packets;
  for (std::uint64_t i = 0; i < 4; ++i) {
    MadeFrame made;
    made.sequence = 1 + 2 * i;
    ReceivedFrame frame = framer.accept(received(made));
    while (frame.left() > 0) packets.push_back(frame.next());
  }
  EXPECT_EQ(framer.stats().frames, 4U);
  EXPECT_EQ(framer.stats().messages, 8U);
  EXPECT_EQ(pool.in_use(), 4U) << "a small Packet pins its whole buffer";
  packets.resize(1);
  EXPECT_EQ(pool.in_use(), 1U);
}

TEST_F(FramerTest, ReturnsTheBufferOfAFrameThatNobodyReads) {
  (void)framer.accept(received(MadeFrame{}));
  EXPECT_EQ(pool.in_use(), 0U);
  ReceivedFrame frame = framer.accept(received(MadeFrame{}));
  (void)frame.next();
  frame = ReceivedFrame();
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(FramerTest, AFrameTakesTheNextOnesPlace) {
  ReceivedFrame frame = framer.accept(received(MadeFrame{}));
  frame = framer.accept(received(MadeFrame{}));
  EXPECT_EQ(pool.in_use(), 1U);
  EXPECT_THAT(texts(frame), ElementsAre("never gonna", "give"));
}

TEST_F(FramerTest, PacketsOutliveTheFrameAndCrossLcores) {
  Packet kept;
  SendPacket sent;
  {
    ReceivedFrame frame = framer.accept(received(MadeFrame{}));
    kept = frame.next();
    sent = frame.next().send();
  }
  EXPECT_EQ(text_of(kept), "never gonna");
  kept = Packet();
  test::on_lcore(1, [&] { EXPECT_EQ(text_of(sent.receive()), "give"); });
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(FramerTest, AHeartbeatIsAValidFrameOfNoMessages) {
  MadeFrame made;
  made.messages.clear();
  for (const std::uint16_t count : {wire::kMoldHeartbeat, wire::kMoldEndOfSession}) {
    made.count = count;
    const ReceivedFrame frame = framer.accept(received(made));
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame.header().count, count);
    EXPECT_EQ(frame.left(), 0U);
  }
  EXPECT_EQ(framer.stats().frames, 2U);
  EXPECT_EQ(framer.stats().messages, 0U);
}

TEST_F(FramerTest, CarriesMessagesOfNoBytes) {
  MadeFrame made;
  made.messages = {{}, test::bytes_of("x"), {}};
  ReceivedFrame frame = framer.accept(received(made));
  EXPECT_THAT(texts(frame), ElementsAre("", "x", ""));
  EXPECT_EQ(framer.stats().bytes, 1U);
}

TEST_F(FramerTest, DropsAMalformedFrameWholeWithItsBuffer) {
  MadeFrame made;
  made.count = 3;
  EXPECT_EQ(dropped_as(framer, received(made)), Drop::kMalformed);
  EXPECT_EQ(framer.stats().frames, 0U);
  EXPECT_EQ(framer.stats().messages, 0U);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(FramerTest, DropsAFrameThatIsEmptyOrTruncated) {
  for (const std::size_t len : {0U, 1U, 13U, 14U, 60U, 61U}) {
    Framer fresh;
    test::Bytes bytes = MadeFrame{}.bytes();
    bytes.resize(len);
    EXPECT_EQ(dropped_as(fresh, received(bytes)), Drop::kTruncated) << len;
  }
}

TEST_F(FramerTest, TakesOnlyItsPort) {
  Framer ours({VerifyChecksums::kSoftware, 26477});
  EXPECT_TRUE(ours.accept(received(MadeFrame{})));
  Framer others({VerifyChecksums::kSoftware, 26478});
  EXPECT_EQ(dropped_as(others, received(MadeFrame{})), Drop::kOtherPort);
}

TEST_F(FramerTest, DropsAFrameOfSeveralSegmentsWithAllOfThem) {
  rte_mbuf* head = received(MadeFrame{});
  ASSERT_EQ(rte_pktmbuf_chain(head, received(test::bytes_of("tail"))), 0);
  ASSERT_EQ(rte_pktmbuf_chain(head, received(test::bytes_of("more"))), 0);
  // takes the last free buffer: none is left to gather the frame in
  rte_mbuf* last = pool.try_acquire();
  EXPECT_EQ(dropped_as(framer, head), Drop::kMultiSegment);
  BufferPool::release(last);
  EXPECT_EQ(pool.in_use(), 0U);
}

struct ForeignPool {
  rte_mempool* mempool = rte_pktmbuf_pool_create("foreign", 4, 0, 0, 2048, SOCKET_ID_ANY);
  ~ForeignPool() {
    EXPECT_EQ(rte_mempool_avail_count(mempool), 4U);
    rte_mempool_free(mempool);
  }
  rte_mbuf* with(const test::Bytes& bytes) const {
    rte_mbuf* m = rte_pktmbuf_alloc(mempool);
    std::memcpy(rte_pktmbuf_append(m, static_cast<std::uint16_t>(bytes.size())), bytes.data(),
                bytes.size());
    return m;
  }
};

TEST_F(FramerTest, DropsABufferOfAnotherPoolAndGivesItBackThere) {
  const ForeignPool foreign;
  EXPECT_EQ(dropped_as(framer, foreign.with(MadeFrame{}.bytes())), Drop::kForeignBuffer);
}

TEST_F(FramerTest, DropsAChainOfBuffersOfSeveralPools) {
  const ForeignPool foreign;
  rte_mbuf* head = received(MadeFrame{});
  ASSERT_EQ(rte_pktmbuf_chain(head, foreign.with(test::bytes_of("tail"))), 0);
  ASSERT_EQ(rte_pktmbuf_chain(head, received(test::bytes_of("more"))), 0);
  std::array<rte_mbuf*, 2> rest;  // take the last free buffers: none is left to gather the frame in
  ASSERT_TRUE(pool.try_acquire(rest));
  EXPECT_EQ(dropped_as(framer, head), Drop::kMultiSegment);
  BufferPool::release(rest);
}

TEST_F(FramerTest, DropsOnAThreadWithoutAnLcoreId) {
  rte_mbuf* m = received(MadeFrame{});
  std::thread([&] { EXPECT_EQ(dropped_as(framer, m), Drop::kNoLcore); }).join();
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(FramerTest, ReceivesAFrameOfWhichTheSenderStillHoldsPackets) {
  rte_mbuf* m = received(MadeFrame{});
  Shares<>::take(m);
  Packet senders = PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, const std::uint8_t*) + 64, 11);
  ASSERT_EQ(Shares<>::count(m), 2U);
  Packet mine;
  {
    ReceivedFrame frame = framer.accept(m);
    ASSERT_TRUE(frame);
    mine = frame.next();
    EXPECT_EQ(mine.data(), senders.data()) << "the very same bytes";
  }
  senders = Packet();
  EXPECT_EQ(text_of(mine), "never gonna");
  EXPECT_EQ(pool.in_use(), 1U);
}

TEST_F(FramerTest, ReceivesAFrameOfWhichAnotherLcoreHoldsPackets) {
  rte_mbuf* m = received(MadeFrame{});
  Shares<>::take(m);
  Packet theirs;
  test::on_lcore(1, [&] {
    theirs = PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, const std::uint8_t*) + 64, 11);
  });
  ReceivedFrame frame = framer.accept(m);
  EXPECT_THAT(texts(frame), ElementsAre("never gonna", "give"));
  frame = ReceivedFrame();
  EXPECT_EQ(pool.in_use(), 1U);
  test::on_lcore(1, [&] {
    EXPECT_EQ(text_of(theirs), "never gonna");
    theirs = Packet();
  });
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(FramerTest, DroppingASharedFrameLeavesTheOtherShares) {
  MadeFrame made;
  made.count = 3;
  rte_mbuf* m = received(made);
  Shares<>::take(m);
  EXPECT_EQ(dropped_as(framer, m), Drop::kMalformed);
  EXPECT_EQ(Shares<>::count(m), 1U);
  BufferPool::release(m);
}

// ---- Checksums: whether the NIC or the bytes decide.

constexpr std::uint64_t kIpGood = RTE_MBUF_F_RX_IP_CKSUM_GOOD, kIpBad = RTE_MBUF_F_RX_IP_CKSUM_BAD;
constexpr std::uint64_t kL4Good = RTE_MBUF_F_RX_L4_CKSUM_GOOD, kL4Bad = RTE_MBUF_F_RX_L4_CKSUM_BAD;

struct ChecksumCase {
  VerifyChecksums mode;
  bool ip_is_right, udp_is_right;
  std::uint64_t nic_says;
  Drop expected;
};

struct FramerChecksums : FramerTest, testing::WithParamInterface<ChecksumCase> {};

TEST_P(FramerChecksums, AreJudgedByWhoeverIsToldTo) {
  const ChecksumCase& c = GetParam();
  MadeFrame made;
  if (!c.ip_is_right) made.ip_checksum = 0x1234;
  if (!c.udp_is_right) made.udp_checksum = 0x1234;
  rte_mbuf* m = received(made);
  m->ol_flags |= c.nic_says;
  Framer judge({c.mode, 0});
  if (c.expected == Drop::kNone)
    EXPECT_TRUE(judge.accept(m));
  else
    EXPECT_EQ(dropped_as(judge, m), c.expected);
}

constexpr auto kOff = VerifyChecksums::kOff;
constexpr auto kSoftware = VerifyChecksums::kSoftware;
constexpr auto kDevice = VerifyChecksums::kDeviceThenHere;

INSTANTIATE_TEST_SUITE_P(Off, FramerChecksums,
                         testing::Values(ChecksumCase{kOff, true, true, 0, Drop::kNone},
                                         ChecksumCase{kOff, false, false, 0, Drop::kNone},
                                         ChecksumCase{kOff, false, false, kIpBad | kL4Bad,
                                                      Drop::kNone}));
INSTANTIATE_TEST_SUITE_P(
    Software, FramerChecksums,
    testing::Values(ChecksumCase{kSoftware, true, true, 0, Drop::kNone},
                    ChecksumCase{kSoftware, true, true, kIpBad | kL4Bad, Drop::kNone},
                    ChecksumCase{kSoftware, false, true, kIpGood | kL4Good, Drop::kBadIpChecksum},
                    ChecksumCase{kSoftware, true, false, kIpGood | kL4Good, Drop::kBadUdpChecksum},
                    ChecksumCase{kSoftware, false, false, 0, Drop::kBadIpChecksum}));
INSTANTIATE_TEST_SUITE_P(
    Device, FramerChecksums,
    testing::Values(
        // The NIC's GOOD is believed, whatever the bytes say: this is what the offload is for.
        ChecksumCase{kDevice, true, true, kIpGood | kL4Good, Drop::kNone},
        ChecksumCase{kDevice, false, false, kIpGood | kL4Good, Drop::kNone},
        // UNKNOWN isn't GOOD: software checks the bytes.
        ChecksumCase{kDevice, true, true, 0, Drop::kNone},
        ChecksumCase{kDevice, false, true, kL4Good, Drop::kBadIpChecksum},
        ChecksumCase{kDevice, true, false, kIpGood, Drop::kBadUdpChecksum},
        // BAD isn't believed: software checks again.
        ChecksumCase{kDevice, false, true, kIpBad | kL4Good, Drop::kBadIpChecksum},
        ChecksumCase{kDevice, true, false, kIpGood | kL4Bad, Drop::kBadUdpChecksum},
        ChecksumCase{kDevice, true, true, kIpBad | kL4Bad, Drop::kNone},
        // NONE: the data was verified, but the checksum field in the packet isn't complete.
        ChecksumCase{kDevice, true, false, kIpGood | RTE_MBUF_F_RX_L4_CKSUM_NONE, Drop::kNone},
        ChecksumCase{kDevice, true, false, RTE_MBUF_F_RX_L4_CKSUM_NONE, Drop::kNone},
        ChecksumCase{kDevice, false, true, RTE_MBUF_F_RX_L4_CKSUM_NONE, Drop::kBadIpChecksum},
        ChecksumCase{kDevice, false, true, RTE_MBUF_F_RX_IP_CKSUM_NONE | kL4Good, Drop::kNone},
        ChecksumCase{kSoftware, true, false, kIpGood | RTE_MBUF_F_RX_L4_CKSUM_NONE,
                     Drop::kBadUdpChecksum}));

// ---- 802.1Q tags: left in the frame, or taken out by the NIC.

struct FramerVlan : FramerTest {
  /// A frame whose outermost tag was taken out by the NIC.
  rte_mbuf* stripped(std::vector<std::uint16_t> tags, std::uint64_t more_flags = 0) {
    MadeFrame made;
    const std::uint16_t tci = tags.at(0);
    made.tags.assign(tags.begin() + 1, tags.end());
    rte_mbuf* m = received(made);
    m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED | more_flags;
    m->vlan_tci = tci;
    return m;
  }
};

TEST_F(FramerVlan, ATagIsReadInTheFrame) {
  MadeFrame made;
  EXPECT_EQ(framer.accept(received(made)).vlan_tci(), std::nullopt);
  made.tags = {0x6123};
  EXPECT_EQ(framer.accept(received(made)).vlan_tci(), 0x6123);
}

TEST_F(FramerVlan, ATagThatTheNicTookOutIsTheFramesStill) {
  ReceivedFrame frame = framer.accept(stripped({0x6123}));
  EXPECT_EQ(frame.vlan_tci(), 0x6123);
  EXPECT_THAT(texts(frame), ElementsAre("never gonna", "give"));
}

TEST_F(FramerVlan, ATagThatWasSeenAndLeftIsReadInTheFrame) {
  MadeFrame made;
  made.tags = {0x6123};
  rte_mbuf* m = received(made);
  m->ol_flags |= RTE_MBUF_F_RX_VLAN;  // some drivers set this flag and leave the tag in the frame
  m->vlan_tci = 0x6123;
  EXPECT_EQ(framer.accept(m).vlan_tci(), 0x6123);
}

TEST_F(FramerVlan, TwoTagsAreOneTooManyWhoeverReadsThem) {
  MadeFrame made;
  made.tags = {1, 2};
  Framer in_the_frame, one_stripped, both_stripped;
  EXPECT_EQ(dropped_as(in_the_frame, received(made)), Drop::kNotIp);
  EXPECT_EQ(dropped_as(one_stripped, stripped({1, 2})), Drop::kNotIp);
  EXPECT_EQ(dropped_as(both_stripped, stripped({1}, RTE_MBUF_F_RX_QINQ_STRIPPED)), Drop::kNotIp);
}

TEST_F(FramerVlan, ADroppedFrameHasNoTag) { EXPECT_EQ(ReceivedFrame{}.vlan_tci(), std::nullopt); }

TEST_F(FramerVlan, AShortFrameWithATagTakenOutIsTruncated) {
  rte_mbuf* m = received(test::Bytes(13, 0));
  m->ol_flags |= RTE_MBUF_F_RX_VLAN_STRIPPED;
  EXPECT_EQ(dropped_as(framer, m), Drop::kTruncated);
}

}  // namespace
}  // namespace bab
