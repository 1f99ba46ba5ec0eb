#include <bab/base/drops.hpp>

#include <set>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace bab {
namespace {

std::vector<Drop> reasons() {
  std::vector<Drop> all;
  for (std::size_t i = 0; i < kDrops; ++i) all.push_back(static_cast<Drop>(i));
  return all;
}

TEST(Drops, NamesAreTheReports) {
  EXPECT_EQ(drop_name(Drop::kNotIp), "not_ip");
  EXPECT_EQ(drop_name(Drop::kNotUdp), "not_udp");
  EXPECT_EQ(drop_name(Drop::kIpFragment), "ip_fragment");
  EXPECT_EQ(drop_name(Drop::kBadIpHeader), "bad_ip_header");
  EXPECT_EQ(drop_name(Drop::kBadIpChecksum), "bad_ip_checksum");
  EXPECT_EQ(drop_name(Drop::kBadUdpChecksum), "bad_udp_checksum");
  EXPECT_EQ(drop_name(Drop::kBadUdpLength), "bad_udp_length");
  EXPECT_EQ(drop_name(Drop::kTruncated), "truncated");
  EXPECT_EQ(drop_name(Drop::kMalformed), "malformed");
  EXPECT_EQ(drop_name(Drop::kOtherPort), "other_port");
  EXPECT_EQ(drop_name(Drop::kMultiSegment), "multi_segment");
  EXPECT_EQ(drop_name(Drop::kNoBuffer), "no_buffer");
  EXPECT_EQ(drop_name(Drop::kTxFull), "tx_full");
  EXPECT_EQ(drop_name(Drop::kTxRefused), "tx_refused");
  EXPECT_EQ(drop_name(Drop::kTxErrors), "tx_errors");
  EXPECT_EQ(drop_name(Drop::kTxUnsent), "tx_unsent");
  EXPECT_EQ(drop_name(Drop::kRxMissed), "rx_missed");
  EXPECT_EQ(drop_name(Drop::kRxNombuf), "rx_nombuf");
}

TEST(Drops, C42_ANumberThatIsNoReasonIsUnknownAndCountsNowhere) {
  for (const Drop none : {Drop::kCount, static_cast<Drop>(77), static_cast<Drop>(255)}) {
    EXPECT_EQ(drop_name(none), "unknown");
    EXPECT_FALSE(drop_sentence(none).empty());
    EXPECT_EQ(drop_unit(none), DropUnit::kFrame);
    DropCounters drops;
    drops.add(none);
    EXPECT_EQ(drops[none], 0U);
    EXPECT_EQ(drops.total(DropUnit::kFrame) + drops.total(DropUnit::kMessage), 0U);
  }
}

TEST(Drops, EachHasANameOfItsOwnThatJsonKeysCanBe) {
  std::set<std::string_view> names;
  for (Drop reason : reasons()) {
    const std::string_view name = drop_name(reason);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos)
        << name;
    EXPECT_FALSE(name.empty());
  }
}

TEST(Drops, EachHasOneSentenceOfItsOwn) {
  std::set<std::string_view> sentences;
  for (Drop reason : reasons()) {
    const std::string_view sentence = drop_sentence(reason);
    EXPECT_TRUE(sentences.insert(sentence).second) << sentence;
    ASSERT_FALSE(sentence.empty());
    EXPECT_EQ(sentence.back(), '.') << sentence;
    EXPECT_EQ(sentence.find(". "), std::string_view::npos) << sentence;
    EXPECT_TRUE(sentence.front() >= 'A' && sentence.front() <= 'Z') << sentence;
  }
}

TEST(Drops, OnlyTheWritersSideCountsMessages) {
  for (Drop reason : reasons())
    EXPECT_EQ(drop_unit(reason) == DropUnit::kMessage,
              reason == Drop::kNoBuffer || reason == Drop::kTooLong)
        << drop_name(reason);
}

TEST(Drops, ThoseOfReceivedFramesAreTheFramers) {
  std::set<Drop> received;
  for (Drop reason : reasons())
    if (reason != Drop::kNone && drop_stage(reason) == DropStage::kReceive) received.insert(reason);
  EXPECT_EQ(received, (std::set{Drop::kNotIp, Drop::kNotUdp, Drop::kIpFragment, Drop::kBadIpHeader,
                                Drop::kBadIpChecksum, Drop::kBadUdpChecksum, Drop::kBadUdpLength,
                                Drop::kTruncated, Drop::kMalformed, Drop::kOtherPort,
                                Drop::kMultiSegment, Drop::kForeignBuffer, Drop::kNoLcore}));
  for (Drop reason : received) EXPECT_EQ(drop_unit(reason), DropUnit::kFrame) << drop_name(reason);
  EXPECT_EQ(drop_stage(Drop::kRxMissed), DropStage::kArrival);
  EXPECT_EQ(drop_stage(Drop::kTxFull), DropStage::kSend);
  EXPECT_EQ(drop_stage(Drop::kTooLong), DropStage::kSend);
}

TEST(DropCounters, StartAtZero) {
  const DropCounters drops;
  for (Drop reason : reasons()) EXPECT_EQ(drops[reason], 0U);
  EXPECT_EQ(drops.total(DropUnit::kFrame), 0U);
  EXPECT_EQ(drops.total(DropUnit::kMessage), 0U);
}

TEST(DropCounters, CountEachReasonByItself) {
  DropCounters drops;
  for (Drop reason : reasons()) drops.add(reason, static_cast<std::uint64_t>(reason) * 1000);
  drops.add(Drop::kNotIp);
  for (Drop reason : reasons())
    EXPECT_EQ(drops[reason], static_cast<std::uint64_t>(reason) * 1000 + (reason == Drop::kNotIp));
}

TEST(DropCounters, TotalsAreByUnit) {
  DropCounters drops;
  drops.add(Drop::kNotIp, 3);
  drops.add(Drop::kRxErrors, 40);
  drops.add(Drop::kNoBuffer, 500);
  drops.add(Drop::kTooLong, 6000);
  EXPECT_EQ(drops.total(DropUnit::kFrame), 43U);
  EXPECT_EQ(drops.total(DropUnit::kMessage), 6500U);
}

TEST(DropCounters, NothingDroppedIsInNoTotal) {
  DropCounters drops;
  drops.add(Drop::kNone, 7);
  EXPECT_EQ(drops.total(DropUnit::kFrame), 0U);
  EXPECT_EQ(drops.total(DropUnit::kMessage), 0U);
}

TEST(DropCounters, AddUp) {
  DropCounters one, two;
  one.add(Drop::kTruncated, 1);
  two.add(Drop::kTruncated, 20);
  two.add(Drop::kTxFull, 300);
  one += two;
  EXPECT_EQ(one[Drop::kTruncated], 21U);
  EXPECT_EQ(one[Drop::kTxFull], 300U);
  EXPECT_EQ(two[Drop::kTruncated], 20U);
  EXPECT_EQ(one.total(DropUnit::kFrame), 321U);
}

}  // namespace
}  // namespace bab
