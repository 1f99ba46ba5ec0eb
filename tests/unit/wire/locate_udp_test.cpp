#include <bab/wire/locate_udp.hpp>

#include <optional>

#include <gtest/gtest.h>

#include "made_frame.hpp"

namespace bab::wire {
namespace {

using test::Bytes;
using test::Exact;
using test::MadeFrame;

/// The offset of the UDP header, or the reason why there is none.
struct Located {
  Drop reason;
  std::size_t udp = 0;
};

Located locate(const Bytes& bytes, UdpIn which = UdpIn::kWholeDatagrams) {
  const Exact frame(bytes);
  Ipv4Place ip;
  const std::uint8_t* udp = nullptr;
  Drop reason = locate_ipv4(frame.bytes(), ip);
  if (reason == Drop::kNone) reason = locate_udp(ip, which, udp);
  if (reason != Drop::kNone) return {reason};
  return {reason, static_cast<std::size_t>(udp - frame.bytes().data())};
}

TEST(LocateUdp, LooksBehindATagAndOptions) {
  MadeFrame made;
  EXPECT_EQ(locate(made.bytes()).udp, 14U + 20);
  made.tags = {0x6065};
  EXPECT_EQ(locate(made.bytes()).udp, 18U + 20);
  made.ip_options = Bytes(40, 1);
  EXPECT_EQ(locate(made.bytes()).udp, 18U + 60);
}

TEST(LocateUdp, NeedsTheHeadersWholeAndNoMore) {
  MadeFrame made;
  made.tags = {1};
  made.ip_options = {1, 1, 1, 0};
  const Bytes frame = made.bytes();
  constexpr std::size_t kHeaders = 18 + 24 + 8;
  for (std::size_t size = 0; size < frame.size(); ++size)
    EXPECT_EQ(locate({frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)}).reason,
              size < kHeaders ? Drop::kTruncated : Drop::kNone)
        << size;
}

TEST(LocateUdp, APacketThatEndsBeforeItsUdpHeaderHasNone) {
  for (std::uint16_t bytes = 20; bytes < 28; ++bytes) {
    MadeFrame made;
    made.ip_length = bytes;
    EXPECT_EQ(locate(made.bytes()).reason, Drop::kTruncated) << bytes;
  }
  MadeFrame shorter;
  shorter.ip_length = 19;
  EXPECT_EQ(locate(shorter.bytes()).reason, Drop::kBadIpHeader);
}

TEST(LocateUdp, FragmentsHavePortsInTheFirstOnly) {
  constexpr std::uint16_t kMore = 0x2000;
  const auto reason_of = [](std::uint16_t fragment, UdpIn which) {
    MadeFrame made;
    made.fragment = fragment;
    return locate(made.bytes(), which).reason;
  };
  EXPECT_EQ(reason_of(kMore, UdpIn::kWholeDatagrams), Drop::kIpFragment);
  EXPECT_EQ(reason_of(kMore, UdpIn::kFirstFragments), Drop::kNone);
  for (const UdpIn which : {UdpIn::kWholeDatagrams, UdpIn::kFirstFragments}) {
    EXPECT_EQ(reason_of(0x4000, which), Drop::kNone) << "may not be fragmented";
    EXPECT_EQ(reason_of(kMore | 1, which), Drop::kIpFragment);
    EXPECT_EQ(reason_of(0x1fff, which), Drop::kIpFragment);
  }
}

TEST(LocateUdp, OtherProtocolsHaveNone) {
  MadeFrame arp, tcp, version, tags;
  arp.ether_type = 0x0806;
  tcp.protocol = 6;
  version.version = 6;
  tags.tags = {1, 2};
  EXPECT_EQ(locate(arp.bytes()).reason, Drop::kNotIp);
  EXPECT_EQ(locate(tcp.bytes()).reason, Drop::kNotUdp);
  EXPECT_EQ(locate(version.bytes()).reason, Drop::kBadIpHeader);
  EXPECT_EQ(locate(tags.bytes()).reason, Drop::kNotIp);
}

TEST(LocateUdp, ATagIsToldWhereItIsWhole) {
  MadeFrame made;
  EXPECT_EQ(tag_of(made.bytes()), std::nullopt);
  EXPECT_FALSE(has_tag(made.bytes()));
  made.tags = {0x6065, 7};
  const Bytes frame = made.bytes();
  EXPECT_EQ(tag_of(frame), 0x6065) << "the outer one";
  for (std::size_t size = 0; size < 20; ++size) {
    const Exact part({frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)});
    EXPECT_EQ(has_tag(part.bytes()), size >= 14) << size;
    EXPECT_EQ(tag_of(part.bytes()).has_value(), size >= 18) << size;
  }
}

TEST(LocateUdp, PlainHeadersStandWhereTheyAreFound) {
  const auto plain = [](const Bytes& bytes) { return has_plain_udp(Exact(bytes).bytes()); };
  const MadeFrame made;
  const Bytes frame = made.bytes();
  for (std::size_t size = 0; size < frame.size(); ++size)
    EXPECT_EQ(plain({frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)}),
              size >= kPlainUdpAt + kUdpBytes)
        << size;
  EXPECT_EQ(locate(frame).udp, kPlainUdpAt);
  MadeFrame first_fragment;
  first_fragment.fragment = 0x2000;
  EXPECT_TRUE(plain(first_fragment.bytes()));
  EXPECT_EQ(locate(first_fragment.bytes(), UdpIn::kFirstFragments).udp, kPlainUdpAt);
}

TEST(LocateUdp, OtherHeadersArentPlain) {
  const auto plain = [](const MadeFrame& made) {
    return has_plain_udp(Exact(made.bytes()).bytes());
  };
  MadeFrame tagged;
  tagged.tags = {7};
  MadeFrame options;
  options.ip_options = {1, 1, 1, 0};
  MadeFrame version;
  version.version = 6;
  MadeFrame tcp;
  tcp.protocol = 6;
  MadeFrame arp;
  arp.ether_type = 0x0806;
  MadeFrame later_fragment;
  later_fragment.fragment = 1;
  for (const MadeFrame& made : {tagged, options, version, tcp, arp, later_fragment})
    EXPECT_FALSE(plain(made));
}

}  // namespace
}  // namespace bab::wire
