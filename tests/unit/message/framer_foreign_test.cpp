#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <bab/message/framer.hpp>

#include "foreign_buffers.hpp"
#include "full_pool.hpp"
#include "made_frame.hpp"
#include "packets.hpp"

namespace bab {
namespace {

using test::expect_all_plain;
using test::FullPool;
using test::HostPool;
using test::LentMemory;
using test::MadeFrame;

std::vector<std::string> texts(ReceivedFrame frame) {
  std::vector<std::string> all;
  while (frame.left() > 0) all.push_back(test::text_of(frame.next()));
  return all;
}
const std::vector<std::string> kTexts{"never gonna", "give"};

struct FramerForeign : testing::Test {
  /// A frame in several mbufs of the host application's.
  rte_mbuf* split() {
    const test::Bytes bytes = MadeFrame{}.bytes();
    rte_mbuf* first = host.buffer(std::span(bytes).first(50));
    first->next = host.buffer(std::span(bytes).subspan(50));
    first->nb_segs = 2;
    first->pkt_len = static_cast<std::uint32_t>(bytes.size());
    return first;
  }

  void expect_dropped(Framer& by, rte_mbuf* m, Drop reason) {
    EXPECT_FALSE(by.accept(m));
    EXPECT_EQ(by.drops()[reason], 1U) << drop_name(reason);
    EXPECT_EQ(by.drops().total(DropUnit::kFrame), 1U);
    EXPECT_EQ(by.stats().frames, 0U);
  }

  FullPool pool{4};
  HostPool host;
  LentMemory lent;
  Framer framer;
  Framer copying{{.copies = &pool}};
};

TEST_F(FramerForeign, C02_AnIndirectCloneIsCopiedIntoItsPoolAndTheHostHasItsMbufAgain) {
  rte_mbuf* direct = host.buffer(MadeFrame{}.bytes());
  ReceivedFrame frame = framer.accept(rte_pktmbuf_clone(direct, pool.mempool()));
  ASSERT_TRUE(frame);
  EXPECT_EQ(rte_mbuf_refcnt_read(direct), 1);
  EXPECT_EQ(frame.bytes().size(), MadeFrame{}.bytes().size());
  rte_pktmbuf_free(direct);
  EXPECT_EQ(texts(std::move(frame)), kTexts);
  EXPECT_EQ(framer.stats().copied, 1U);
  EXPECT_EQ(framer.stats().frames, 1U);
  expect_all_plain(pool);
}

TEST_F(FramerForeign, C02_ACloneOfNoFrameOfOursIsDroppedAndTheHostsBytesStay) {
  const std::vector<std::uint8_t> bytes(100, 'H');
  rte_mbuf* direct = host.buffer(bytes);
  expect_dropped(framer, rte_pktmbuf_clone(direct, pool.mempool()), Drop::kNotIp);
  EXPECT_EQ(rte_mbuf_refcnt_read(direct), 1);
  expect_all_plain(pool);
  EXPECT_EQ(*rte_pktmbuf_mtod(direct, char*), 'H');
  rte_pktmbuf_free(direct);
}

TEST_F(FramerForeign, C02b_AFrameInExternalMemoryIsCopiedAndItsOwnerTold) {
  rte_mbuf* m = lent.attached(pool, MadeFrame{}.bytes());
  ReceivedFrame frame = framer.accept(m);
  ASSERT_TRUE(frame);
  EXPECT_EQ(lent.returned, 1);
  EXPECT_FALSE(lent.has(frame.bytes().data()));
  EXPECT_EQ(texts(std::move(frame)), kTexts);
  expect_all_plain(pool);
}

TEST_F(FramerForeign, IsDroppedWhereThereIsNoBufferForTheCopy) {
  FullPool one(1);
  expect_dropped(framer, lent.attached(one, MadeFrame{}.bytes()), Drop::kForeignBuffer);
  EXPECT_EQ(lent.returned, 1);
  expect_all_plain(one);
}

TEST_F(FramerForeign, AHostsMbufIsDroppedUnlessThereIsAPoolForCopies) {
  expect_dropped(framer, host.buffer(MadeFrame{}.bytes()), Drop::kForeignBuffer);
  EXPECT_EQ(texts(copying.accept(host.buffer(MadeFrame{}.bytes()))), kTexts);
  EXPECT_EQ(copying.stats().copied, 1U);
}

TEST_F(FramerForeign, ASplitFrameIsGatheredWhereThereIsAPoolForCopies) {
  expect_dropped(framer, split(), Drop::kMultiSegment);
  EXPECT_EQ(texts(copying.accept(split())), kTexts);
  EXPECT_EQ(copying.stats().gathered, 1U);
  EXPECT_EQ(copying.stats().copied, 0U) << "it is counted once";
}

TEST_F(FramerForeign, ASplitFrameOfBabsIsGatheredIntoItsOwnPoolWhereItFits) {
  const test::Bytes bytes = MadeFrame{}.bytes();
  const std::string text(bytes.begin(), bytes.end());
  rte_mbuf* first = test::buffer_with(pool, std::string_view(text).substr(0, 60));
  first->next = test::buffer_with(pool, std::string_view(text).substr(60));
  first->nb_segs = 2;
  first->pkt_len = static_cast<std::uint32_t>(bytes.size());
  EXPECT_EQ(texts(framer.accept(first)), kTexts);
  EXPECT_EQ(framer.stats().gathered, 1U);
  EXPECT_EQ(framer.stats().frames, 1U);
  EXPECT_EQ(framer.drops().total(DropUnit::kFrame), 0U);
  expect_all_plain(pool);
}

TEST_F(FramerForeign, ASplitFrameThatFitsNowhereIsDropped) {
  const std::vector<std::uint8_t> half(1500, 'x');
  rte_mbuf* first = host.buffer(half);
  first->next = host.buffer(half);
  first->nb_segs = 2;
  first->pkt_len = 3000;
  expect_dropped(copying, first, Drop::kMultiSegment);
  EXPECT_EQ(copying.stats().gathered, 0U);
}

TEST_F(FramerForeign, ASplitFrameIsDroppedWhereThereIsNoBufferToGatherItIn) {
  std::vector<rte_mbuf*> all;
  while (rte_mbuf* m = pool.try_acquire()) all.push_back(m);
  expect_dropped(copying, split(), Drop::kMultiSegment);
  for (rte_mbuf* m : all) BufferPool::release(m);
  EXPECT_EQ(texts(copying.accept(split())), kTexts);
}

TEST_F(FramerForeign, ACopyIsJudgedAsAnyFrame) {
  MadeFrame made;
  made.count = 3;
  expect_dropped(copying, host.buffer(made.bytes()), Drop::kMalformed);
}

TEST_F(FramerForeign, OtherPacketsOfAnExternalBufferStayWhereTheyAre) {
  rte_mbuf* m = lent.attached(pool, MadeFrame{}.bytes());
  Shares<>::take(m);
  EXPECT_EQ(texts(framer.accept(m)), kTexts);
  EXPECT_EQ(lent.returned, 0);
  BufferPool::release(m);
  EXPECT_EQ(lent.returned, 1);
}

TEST_F(FramerForeign, AReceivedFrameThatWasMovedFromHasNothingLeft) {
  ReceivedFrame first = framer.accept(host.buffer(MadeFrame{}.bytes()));
  first = copying.accept(host.buffer(MadeFrame{}.bytes()));
  ReceivedFrame second(std::move(first));
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(first.left(), 0U);
  EXPECT_TRUE(first.bytes().empty());
  EXPECT_EQ(second.left(), 2U);
  first = copying.accept(host.buffer(MadeFrame{}.bytes()));
  EXPECT_EQ(pool.in_use(), 2U);
  first = std::move(second);
  EXPECT_EQ(pool.in_use(), 1U) << "what it was goes at once";
  EXPECT_EQ(second.left(), 0U);  // NOLINT(bugprone-use-after-move)
  ReceivedFrame& self = first;
  first = std::move(self);
  EXPECT_EQ(first.left(), 2U);
  EXPECT_EQ(texts(std::move(first)), kTexts);
}

}  // namespace
}  // namespace bab
