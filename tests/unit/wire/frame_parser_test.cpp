#include <bab/wire/frame_parser.hpp>

#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "made_frame.hpp"

namespace bab {
namespace {

using test::Bytes;
using test::bytes_of;
using test::MadeFrame;
using wire::ParsedFrame;

constexpr wire::ChecksumRules kVerify{true, true};
constexpr wire::ChecksumRules kTrust{false, false};

Drop parse(const Bytes& frame, ParsedFrame& out, const wire::ChecksumRules& rules = kVerify,
           std::uint16_t port = 0) {
  return wire::parse_frame(frame, rules, port, out);
}

Drop reason(const Bytes& frame, const wire::ChecksumRules& rules = kVerify,
            std::uint16_t port = 0) {
  ParsedFrame out{};
  return wire::parse_frame(test::Exact(frame).bytes(), rules, port, out);
}

Drop reason(const MadeFrame& frame) { return reason(frame.bytes()); }

MadeFrame made(const std::function<void(MadeFrame&)>& change) {
  MadeFrame f;
  change(f);
  return f;
}

Drop reason_when(const std::function<void(MadeFrame&)>& change) { return reason(made(change)); }

Bytes cut(Bytes frame, std::size_t size) {
  frame.resize(size);
  return frame;
}

TEST(FrameParser, GivesHeaderAndBlocks) {
  const Bytes frame = made([](MadeFrame& f) { f.sequence = 0x0102030405060708; }).bytes();
  ParsedFrame parsed;
  ASSERT_EQ(parse(frame, parsed), Drop::kNone);
  EXPECT_EQ(parsed.mold.session, wire::make_session("DAY0000001"));
  EXPECT_EQ(parsed.mold.sequence, 0x0102030405060708U);
  EXPECT_EQ(parsed.mold.count, 2);
  EXPECT_EQ(parsed.mold.messages(), 2U);
  EXPECT_EQ(parsed.blocks.data(), frame.data() + 62) << "no copy";
  EXPECT_EQ(parsed.blocks.data() + parsed.blocks.size(), frame.data() + frame.size());
}

// Unusual frames that are valid.

TEST(FrameParser, AcceptsOneVlanTagOfAnyId) {
  for (int tag : {0, 1, 101, 4094, 4095, 0x6065, 0xffff})
    EXPECT_EQ(reason_when([&](auto& f) { f.tags = {static_cast<std::uint16_t>(tag)}; }),
              Drop::kNone);
}

TEST(FrameParser, AcceptsIpOptions) {
  for (std::size_t size = 4; size <= 40; size += 4)
    EXPECT_EQ(reason_when([&](auto& f) { f.ip_options.assign(size, 1); }), Drop::kNone) << size;
}

TEST(FrameParser, FindsBlocksBehindTagAndOptionsAndBeforePadding) {
  const MadeFrame made_frame = made([](MadeFrame& f) {
    f.tags = {7};
    f.ip_options.assign(12, 1);
    f.padding = 9;
  });
  const Bytes frame = made_frame.bytes();
  ParsedFrame parsed;
  ASSERT_EQ(parse(frame, parsed), Drop::kNone);
  EXPECT_EQ(parsed.blocks.data() - frame.data(), 62 + 4 + 12);
  EXPECT_EQ(frame.data() + frame.size() - (parsed.blocks.data() + parsed.blocks.size()), 9);
}

TEST(FrameParser, AcceptsPaddingOfAnyLength) {
  for (std::size_t size : {1, 2, 17, 46, 1000})
    EXPECT_EQ(reason_when([&](auto& f) { f.padding = size; }), Drop::kNone) << size;
}

TEST(FrameParser, AcceptsNoUdpChecksum) {
  EXPECT_EQ(reason_when([](auto& f) { f.udp_checksum = 0; }), Drop::kNone);
}

TEST(FrameParser, AcceptsUdpChecksumOfAllOnes) {
  // The message's last two bytes are chosen to make the checksum 0. UDP sends this checksum as
  // 0xffff.
  MadeFrame f = made([](MadeFrame& m) { m.messages = {bytes_of("ab\0\0")}; });
  f.messages = {Bytes{'a', 'b', 0, 0}};
  const Bytes before = f.bytes();
  f.messages = {Bytes{'a', 'b', before[40], before[41]}};
  const Bytes frame = f.bytes();
  ASSERT_EQ(frame[40], 0xff);
  ASSERT_EQ(frame[41], 0xff);
  EXPECT_EQ(reason(frame), Drop::kNone);
}

TEST(FrameParser, AcceptsHeartbeat) {
  const Bytes frame = made([](MadeFrame& f) {
                        f.messages.clear();
                        f.sequence = 42;
                      }).bytes();
  ParsedFrame parsed;
  ASSERT_EQ(parse(frame, parsed), Drop::kNone);
  EXPECT_EQ(parsed.mold.count, wire::kMoldHeartbeat);
  EXPECT_EQ(parsed.mold.sequence, 42U);
  EXPECT_TRUE(parsed.blocks.empty());
}

TEST(FrameParser, AcceptsEndOfSession) {
  const Bytes frame = made([](MadeFrame& f) {
                        f.messages.clear();
                        f.count = 0xffff;
                      }).bytes();
  ParsedFrame parsed;
  ASSERT_EQ(parse(frame, parsed), Drop::kNone);
  EXPECT_EQ(parsed.mold.count, wire::kMoldEndOfSession);
  EXPECT_EQ(parsed.mold.messages(), 0U);
  EXPECT_TRUE(parsed.blocks.empty());
}

TEST(FrameParser, AcceptsMessagesOfNoBytes) {
  EXPECT_EQ(reason_when([](auto& f) { f.messages = {Bytes{}}; }), Drop::kNone);
  EXPECT_EQ(reason_when([](auto& f) {
              f.messages = {Bytes{}, bytes_of("a"), Bytes{}, Bytes{}};
            }),
            Drop::kNone);
}

TEST(FrameParser, AcceptsAsManyMessagesAsAPacketCanHold) {
  // An IP packet of 65,535 bytes holds 32,743 messages. All are empty but the last one, which has
  // one byte.
  const Bytes frame = made([](MadeFrame& f) {
                        f.messages.assign(32'742, Bytes{});
                        f.messages.push_back({'z'});
                      }).bytes();
  ASSERT_EQ(frame.size(), 14U + 65'535U);
  EXPECT_EQ(reason(frame), Drop::kNone);
}

TEST(FrameParser, AcceptsNoAddressesAndNoPorts) {
  EXPECT_EQ(reason_when([](auto& f) {
              f.source_ip = f.destination_ip = 0;
              f.source_port = f.destination_port = 0;
            }),
            Drop::kNone);
}

TEST(FrameParser, AcceptsMulticastAndBroadcast) {
  EXPECT_EQ(reason_when([](auto& f) { f.destination_ip = 0xe9360c6f; }), Drop::kNone);
  EXPECT_EQ(reason_when([](auto& f) { f.destination_ip = 0xffffffff; }), Drop::kNone);
}

TEST(FrameParser, AcceptsWhatMayBeFragmentedButIsNot) {
  EXPECT_EQ(reason_when([](auto& f) { f.fragment = 0; }), Drop::kNone);
}

TEST(FrameParser, AcceptsAnySequenceNumber) {
  for (std::uint64_t n : {std::uint64_t{0}, ~std::uint64_t{0}})
    EXPECT_EQ(reason_when([&](auto& f) { f.sequence = n; }), Drop::kNone);
}

// Each reason to drop a frame, with one fault at a time.

TEST(FrameParser, RejectsEveryCutOfAFrame) {
  for (const auto& tags : {std::vector<std::uint16_t>{}, std::vector<std::uint16_t>{5}}) {
    const Bytes frame = made([&](MadeFrame& f) {
                          f.tags = tags;
                          f.ip_options.assign(4, 1);
                        }).bytes();
    for (std::size_t size = 0; size < frame.size(); ++size)
      EXPECT_EQ(reason(cut(frame, size)), Drop::kTruncated) << size;
  }
}

TEST(FrameParser, RejectsOtherEtherTypes) {
  for (int type : {0x0000, 46, 0x0806, 0x0801, 0x0008, 0x86dd, 0x88a8, 0x9100, 0xffff}) {
    EXPECT_EQ(reason_when([&](auto& f) { f.ether_type = static_cast<std::uint16_t>(type); }),
              Drop::kNotIp);
    EXPECT_EQ(reason_when([&](auto& f) {
                f.tags = {9};
                f.ether_type = static_cast<std::uint16_t>(type);
              }),
              Drop::kNotIp);
  }
}

TEST(FrameParser, RejectsTwoVlanTags) {
  EXPECT_EQ(reason_when([](auto& f) { f.tags = {5, 6}; }), Drop::kNotIp);
}

TEST(FrameParser, RejectsOtherVersions) {
  for (unsigned v : {0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
    EXPECT_EQ(reason_when([&](auto& f) { f.version = v; }), Drop::kBadIpHeader) << v;
}

TEST(FrameParser, RejectsIpHeaderShorterThan20Bytes) {
  for (unsigned words = 0; words < 5; ++words)
    EXPECT_EQ(reason_when([&](auto& f) { f.ihl = words; }), Drop::kBadIpHeader) << words;
}

TEST(FrameParser, RejectsIpLengthWithinItsHeader) {
  for (int length : {0, 1, 19})
    EXPECT_EQ(reason_when([&](auto& f) { f.ip_length = static_cast<std::uint16_t>(length); }),
              Drop::kBadIpHeader);
  EXPECT_EQ(reason_when([](auto& f) {
              f.ip_options.assign(8, 1);
              f.ip_length = 27;
            }),
            Drop::kBadIpHeader);
}

TEST(FrameParser, RejectsIpLengthPastEndOfFrame) {
  const auto right = static_cast<std::uint16_t>(MadeFrame{}.bytes().size() - 14);
  EXPECT_EQ(reason_when([&](auto& f) { f.ip_length = static_cast<std::uint16_t>(right + 1); }),
            Drop::kTruncated);
  EXPECT_EQ(reason_when([](auto& f) { f.ip_length = 0xffff; }), Drop::kTruncated);
}

TEST(FrameParser, RejectsIpOptionsPastEndOfFrame) {
  const Bytes frame = cut(made([](MadeFrame& f) {
                            f.ihl = 15;
                            f.ip_length = 60;
                          }).bytes(),
                          14 + 59);
  EXPECT_EQ(reason(frame), Drop::kTruncated);
}

TEST(FrameParser, RejectsEveryFlippedBitOfTheIpHeader) {
  // The bits of the version and the lengths are left out: the parser checks these fields first.
  const Bytes good = MadeFrame{}.bytes();
  for (unsigned bit = 0; bit < 160; ++bit) {
    if (bit < 8 || (bit >= 16 && bit < 32)) continue;
    Bytes frame = good;
    frame[14 + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_EQ(reason(frame), Drop::kBadIpChecksum) << bit;
    EXPECT_NE(reason(frame, kTrust), Drop::kBadIpChecksum) << bit;
  }
}

TEST(FrameParser, RejectsIpChecksumOfZero) {
  EXPECT_EQ(reason_when([](auto& f) { f.ip_checksum = 0; }), Drop::kBadIpChecksum);
}

TEST(FrameParser, RejectsBadChecksumOfIpOptions) {
  Bytes frame = made([](MadeFrame& f) { f.ip_options.assign(8, 1); }).bytes();
  frame[14 + 27] ^= 0x80;
  EXPECT_EQ(reason(frame), Drop::kBadIpChecksum);
}

TEST(FrameParser, RejectsFragments) {
  for (int field : {0x2000, 0x0001, 0x1fff, 0x2003, 0x6000, 0x4001})
    EXPECT_EQ(reason_when([&](auto& f) { f.fragment = static_cast<std::uint16_t>(field); }),
              Drop::kIpFragment)
        << field;
}

TEST(FrameParser, RejectsOtherProtocols) {
  for (unsigned protocol = 0; protocol < 256; ++protocol)
    EXPECT_EQ(reason_when([&](auto& f) { f.protocol = static_cast<std::uint8_t>(protocol); }),
              protocol == 17 ? Drop::kNone : Drop::kNotUdp);
}

TEST(FrameParser, RejectsIpLengthThatEndsInTheUdpHeader) {
  for (int length = 20; length < 28; ++length)
    EXPECT_EQ(reason_when([&](auto& f) { f.ip_length = static_cast<std::uint16_t>(length); }),
              Drop::kTruncated);
}

TEST(FrameParser, RejectsUdpLengthThatLiesEitherWay) {
  const auto right = static_cast<std::uint16_t>(MadeFrame{}.bytes().size() - 14 - 20);
  for (int length : {0, 7, 8, right - 1, right + 1, 0xffff})
    EXPECT_EQ(reason_when([&](auto& f) { f.udp_length = static_cast<std::uint16_t>(length); }),
              Drop::kBadUdpLength)
        << length;
}

TEST(FrameParser, RejectsUdpLengthThatTakesInPadding) {
  const auto right = static_cast<std::uint16_t>(MadeFrame{}.bytes().size() - 14 - 20);
  EXPECT_EQ(reason_when([&](auto& f) {
              f.udp_length = static_cast<std::uint16_t>(right + 4);
              f.padding = 4;
            }),
            Drop::kBadUdpLength);
}

TEST(FrameParser, RejectsEveryFlippedBitOfTheDatagram) {
  // The bits of the UDP length are left out. The bits of the IP addresses are left out, too: the IP
  // header's checksum covers them.
  const Bytes good = MadeFrame{}.bytes();
  for (std::size_t at = 34; at < good.size(); ++at) {
    if (at == 38 || at == 39) continue;
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes frame = good;
      frame[at] ^= static_cast<std::uint8_t>(1U << bit);
      EXPECT_EQ(reason(frame), Drop::kBadUdpChecksum) << at << '.' << bit;
    }
  }
}

TEST(FrameParser, RejectsUdpChecksumOfOtherAddresses) {
  Bytes frame = MadeFrame{}.bytes();
  frame[29] ^= 1;
  EXPECT_EQ(reason(frame, {false, true}), Drop::kBadUdpChecksum);
}

TEST(FrameParser, RejectsBadUdpChecksumOfAnOddLength) {
  Bytes frame = made([](MadeFrame& f) { f.messages = {bytes_of("odd")}; }).bytes();
  ASSERT_EQ(reason(frame), Drop::kNone);
  frame.back() ^= 1;
  EXPECT_EQ(reason(frame), Drop::kBadUdpChecksum);
}

TEST(FrameParser, LooksAtEachChecksumOnlyWhenAsked) {
  const Bytes bad_ip = made([](MadeFrame& f) { f.ip_checksum = 0x1234; }).bytes();
  const Bytes bad_udp = made([](MadeFrame& f) { f.udp_checksum = 0x1234; }).bytes();
  EXPECT_EQ(reason(bad_ip, {true, false}), Drop::kBadIpChecksum);
  EXPECT_EQ(reason(bad_ip, {false, true}), Drop::kNone);
  EXPECT_EQ(reason(bad_udp, {true, false}), Drop::kNone);
  EXPECT_EQ(reason(bad_udp, {false, true}), Drop::kBadUdpChecksum);
}

TEST(FrameParser, TakesOnlyTheDestinationPortAskedFor) {
  const Bytes frame = MadeFrame{}.bytes();
  EXPECT_EQ(reason(frame, kVerify, 26477), Drop::kNone);
  EXPECT_EQ(reason(frame, kVerify, 26478), Drop::kOtherPort);
  EXPECT_EQ(reason(frame, kVerify, 4660), Drop::kOtherPort) << "that is the source port";
  EXPECT_EQ(reason(frame, kVerify, 0), Drop::kNone);
}

TEST(FrameParser, RejectsPayloadShorterThanAMoldHeader) {
  const Bytes whole = made([](MadeFrame& f) { f.messages.clear(); }).bytes();
  for (std::uint16_t size = 0; size < 20; ++size) {
    Bytes frame = made([&](MadeFrame& f) {
                    f.messages.clear();
                    f.ip_length = static_cast<std::uint16_t>(28 + size);
                    f.udp_length = static_cast<std::uint16_t>(8 + size);
                    f.udp_checksum = 0;
                  }).bytes();
    EXPECT_EQ(reason(frame), Drop::kMalformed) << size;
    EXPECT_EQ(reason(cut(frame, 14U + 28U + size)), Drop::kMalformed) << size;
  }
  EXPECT_EQ(reason(whole), Drop::kNone);
}

TEST(FrameParser, RejectsCountThatIsNotTheBlocks) {
  for (int count : {0, 1, 3, 65534, 65535})
    EXPECT_EQ(reason_when([&](auto& f) { f.count = static_cast<std::uint16_t>(count); }),
              Drop::kMalformed)
        << count;
}

TEST(FrameParser, RejectsBlockPastEndOfPacket) {
  const auto with_tail = [](Bytes tail, std::uint16_t count) {
    return reason_when([&](auto& f) {
      f.messages.clear();
      f.count = count;
      f.tail = tail;
    });
  };
  EXPECT_EQ(with_tail({0}, 1), Drop::kMalformed) << "half a length";
  EXPECT_EQ(with_tail({0, 1}, 1), Drop::kMalformed) << "no message";
  EXPECT_EQ(with_tail({0, 5, 1, 2, 3, 4}, 1), Drop::kMalformed) << "one byte short";
  EXPECT_EQ(with_tail({0xff, 0xff, 1, 2}, 1), Drop::kMalformed) << "far past";
  EXPECT_EQ(with_tail({0, 1, 7, 0, 5, 1}, 2), Drop::kMalformed) << "the second";
  EXPECT_EQ(with_tail({0, 1, 7, 0, 0}, 2), Drop::kNone);
}

TEST(FrameParser, RejectsBlockThatWouldReachIntoThePadding) {
  EXPECT_EQ(reason_when([](auto& f) {
              f.messages.clear();
              f.count = 1;
              f.tail = {0, 8};
              f.padding = 8;
            }),
            Drop::kMalformed);
}

TEST(FrameParser, RejectsBytesBehindTheLastBlock) {
  for (std::size_t size : {1, 2, 3, 17})
    EXPECT_EQ(reason_when([&](auto& f) { f.tail.assign(size, 0); }), Drop::kMalformed) << size;
  EXPECT_EQ(reason_when([](auto& f) {
              f.messages.clear();
              f.tail = {0};
            }),
            Drop::kMalformed)
      << "a heartbeat";
  EXPECT_EQ(reason_when([](auto& f) {
              f.messages.clear();
              f.count = 0xffff;
              f.tail = {0, 0};
            }),
            Drop::kMalformed)
      << "an end of session";
}

TEST(FrameParser, ReadsFramesAtAnyAddress) {
  const Bytes frame = made([](MadeFrame& f) { f.tags = {1}; }).bytes();
  for (std::size_t shift = 0; shift < 8; ++shift) {
    Bytes shifted(shift, 0xaa);
    shifted.insert(shifted.end(), frame.begin(), frame.end());
    ParsedFrame parsed;
    EXPECT_EQ(wire::parse_frame(std::span(shifted).subspan(shift), kVerify, 0, parsed),
              Drop::kNone);
  }
}

}  // namespace
}  // namespace bab
