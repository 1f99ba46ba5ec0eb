#include "verdict.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace testbab {
namespace {

using bab::Drop;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Verdict, GoodIsSaidOfARunWithoutReservations) {
  Summary s;
  s.bus.messages_in = 7;
  s.drops.add(Drop::kNotIp, 3);  // every network has frames that aren't meant for bab
  s.bus.frames_in = 7;
  const Verdict v = verdict_of(s);
  EXPECT_EQ(v.grade, Grade::kGood);
  EXPECT_EQ(v.text(), "  good: every message accounted for, every buffer back\n");
  EXPECT_EQ(v.exit_code(true), 0);
}

TEST(Verdict, WhatCannotBeUsedIsSaidWithItsMend) {
  Summary s;
  s.drops.add(Drop::kBadUdpChecksum, 992);
  const Verdict v = verdict_of(s);
  EXPECT_EQ(v.grade, Grade::kGoodBut);
  EXPECT_THAT(v.text(),
              AllOf(HasSubstr("good, but 992 of 992 frames had a wrong UDP checksum"),
                    HasSubstr("--rx-checksum=off"), HasSubstr("ethtool -K INTERFACE tx off")));
  EXPECT_EQ(v.exit_code(false), 0);
  EXPECT_EQ(v.exit_code(true), 3);
}

/// Each reason for which bab drops a frame or a message makes a run less than good. Reasons of
/// frames that were never meant for bab don't.
TEST(Verdict, NoReasonIsForgotten) {
  for (std::size_t i = 1; i < bab::kDrops; ++i) {
    const auto reason = static_cast<Drop>(i);
    Summary s;
    s.bus.frames_in = 1;
    s.drops.add(reason);
    const bool others =
        reason == Drop::kNotIp || reason == Drop::kNotUdp || reason == Drop::kOtherPort;
    if (reason == Drop::kRxErrors) {
      s.ports.emplace_back();
      s.ports[0].stats.rx_errors = 1;
    }
    EXPECT_EQ(verdict_of(s).grade == Grade::kGood, others) << bab::drop_name(reason);
  }
}

/// The words of --tx-checksum are auto, hw, sw and off.
TEST(Verdict, TheMendOfRefusedFramesIsAnOptionThatThereIs) {
  Summary s;
  s.drops.add(Drop::kTxRefused);
  EXPECT_THAT(verdict_of(s).reservations, ElementsAre(HasSubstr("--tx-checksum=sw may help")));
}

TEST(Verdict, NothingButOthersFramesIsSaid) {
  Summary s;
  s.drops.add(Drop::kNotIp, 1);
  s.drops.add(Drop::kOtherPort, 2);
  EXPECT_THAT(verdict_of(s).reservations,
              ElementsAre(HasSubstr("none of the 3 frames that arrived was for it: 1 not IPv4, 0 "
                                    "not UDP, 2 to another port")));
}

TEST(Verdict, MessagesThatOthersLostAreSaid) {
  Summary s;
  s.bus.missing = 50;
  s.bus.gaps = 2;
  EXPECT_THAT(verdict_of(s).reservations,
              ElementsAre(HasSubstr("50 messages are missing (2 gaps)")));
  s.bus.lost = 50;
  const Verdict v = verdict_of(s);
  EXPECT_EQ(v.grade, Grade::kFault);
  EXPECT_THAT(v.reservations, IsEmpty());
  EXPECT_EQ(v.exit_code(false), 1);
}

TEST(Verdict, AFaultHidesNoReservation) {
  Summary s;
  s.bus.corrupt = 1;
  s.drops.add(Drop::kTruncated);
  EXPECT_THAT(verdict_of(s).text(), AllOf(HasSubstr("  FAULT: 1 messages corrupt\n"),
                                          HasSubstr("  and 1 of 1 frames end before")));
}

TEST(Verdict, MessagesThatWereNotJudgedAreSaid) {
  Summary s;
  s.bus.streams = 4096;
  s.bus.unjudged = 9;
  EXPECT_THAT(verdict_of(s).reservations,
              ElementsAre(HasSubstr("9 messages of sessions beyond the 4096")));
}

TEST(Verdict, WhatAReplayCouldNotUseIsSaid) {
  Summary s;
  s.replay = {.messages = 1, .duplicates = 0, .frames = 80, .drops = {}, .other_links = 3};
  s.replay->drops.add(Drop::kTruncated, 76);
  s.replay->drops.add(Drop::kNotIp, 2);  // every capture has frames that aren't meant for bab
  EXPECT_THAT(verdict_of(s).reservations,
              ElementsAre(HasSubstr("76 of 80 frames of the capture end before a length"),
                          HasSubstr("3 of 80 frames of the capture are of links")));
}

TEST(Verdict, ErrorsOfAPortThatNobodyReceivesOnDontMatter) {
  Summary s;
  s.ports.emplace_back();
  s.ports[0].receives = false;
  s.ports[0].stats.rx_errors = 9;
  EXPECT_EQ(verdict_of(s).grade, Grade::kGood);
}

TEST(Verdict, FramesThatWereSentWhileALinkWentDownAreSaid) {
  Summary s;
  s.ports.emplace_back().id = 3;
  s.events = {{1, 3, "link down", 40}, {2, 3, "link up", 0}, {3, 3, "link down", 2}};
  EXPECT_THAT(verdict_of(s).reservations, ElementsAre(HasSubstr("port 3 sent 42 frames of which")));
}

TEST(Verdict, AFileThatLibpcapCannotReadOnIsNoNicsError) {
  Summary s;
  s.ports.emplace_back();
  s.ports[0].driver = "net_pcap";
  s.ports[0].stats.rx_errors = 123456;
  EXPECT_THAT(verdict_of(s).reservations, ElementsAre(HasSubstr("in the middle of its file")));
}

}  // namespace
}  // namespace testbab
