#include "peer_address.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "made_frame.hpp"

namespace testbab {
namespace {

using bab::test::Bytes;
using bab::test::MadeFrame;
namespace wire = bab::wire;

/// The source MAC address of the frames. MadeFrame sets no useful MAC addresses.
constexpr wire::MacAddress kMac{0x02, 1, 2, 3, 4, 5};

Bytes bytes_of(const MadeFrame& made) {
  Bytes frame = made.bytes();
  std::copy(kMac.begin(), kMac.end(), frame.begin() + 6);
  return frame;
}

wire::FrameHeaderOptions ours() {
  wire::FrameHeaderOptions o;
  o.source_mac = {0x02, 9, 9, 9, 9, 9};
  o.source_ip = 0x0a000001;
  o.destination_ip = 0xef000001;
  o.source_port = 9;
  o.destination_port = 9;
  return o;
}

/// The headers of an answer without messages.
Bytes answer(const PeerAddress& peer, wire::FrameHeaderOptions options = ours()) {
  const wire::FrameHeader header = peer.header(options);
  Bytes frame(header.size());
  header.stamp(frame.data(), 0, 1, 0);
  return frame;
}

TEST(PeerAddress, IsWhereTheFrameCameFrom) {
  const Bytes frame = bytes_of({});
  const PeerAddress peer = PeerAddress::of(frame);
  EXPECT_EQ(peer.mac, kMac);
  EXPECT_EQ(peer.vlan, PeerAddress::kUntagged);
  EXPECT_EQ(peer.ip, 0xc6336401);
  EXPECT_EQ(peer.our_ip, 0xc6336402);
  EXPECT_EQ(peer.port, 4660);
  EXPECT_EQ(peer.our_port, 26477);
}

TEST(PeerAddress, LooksBehindATagAndOptions) {
  MadeFrame made;
  made.tags = {3 << 13 | 101};
  made.ip_options = {1, 1, 1, 0};
  const Bytes frame = bytes_of(made);
  const PeerAddress peer = PeerAddress::of(frame);
  EXPECT_EQ(peer.vlan, 101) << "the id, not the priority";
  EXPECT_EQ(peer.ip, 0xc6336401);
  EXPECT_EQ(peer.port, 4660);
}

TEST(PeerAddress, ATagThatTheNicTookOutIsOneAllTheSame) {
  MadeFrame made;
  const Bytes stripped = bytes_of(made);
  made.tags = {0x6065};
  EXPECT_EQ(PeerAddress::of(stripped, 0x6065), PeerAddress::of(bytes_of(made)));
  EXPECT_EQ(PeerAddress::of(stripped, 4095).vlan, PeerAddress::kUntagged);
}

TEST(PeerAddress, ATagThatMayNotBeSentIsLeftOut) {
  MadeFrame made;
  made.tags = {4095};
  const PeerAddress peer = PeerAddress::of(bytes_of(made));
  EXPECT_EQ(peer.vlan, PeerAddress::kUntagged);
  EXPECT_EQ(PeerAddress::of(answer(peer)).ip, peer.our_ip) << "and the answer goes";
}

TEST(PeerAddress, ThereIsNoneOfAFrameThatIsNoDatagram) {
  MadeFrame tcp;
  tcp.protocol = 6;
  EXPECT_EQ(PeerAddress::of(bytes_of(tcp)), PeerAddress{});
  EXPECT_EQ(PeerAddress::of({}), PeerAddress{});
}

TEST(PeerAddress, EveryPartTellsPeersApart) {
  const Bytes frame = bytes_of({});
  const PeerAddress peer = PeerAddress::of(frame);
  EXPECT_EQ(peer, PeerAddress::of(frame));
  MadeFrame port, ip, our_port, tag;
  port.source_port = 4661;
  ip.source_ip = 0xc6336403;
  our_port.destination_port = 26478;
  tag.tags = {101};
  for (const MadeFrame& other : {port, ip, our_port, tag})
    EXPECT_NE(peer, PeerAddress::of(bytes_of(other)));
  Bytes mac = frame;
  mac[11] = 77;
  EXPECT_NE(peer, PeerAddress::of(mac));
}

TEST(PeerAddress, AnAnswerGoesBackTheSameWay) {
  MadeFrame made;
  made.tags = {101};
  const PeerAddress peer = PeerAddress::of(bytes_of(made));
  const Bytes back = answer(peer);
  EXPECT_TRUE(std::equal(kMac.begin(), kMac.end(), back.begin()));
  const PeerAddress seen = PeerAddress::of(back);
  EXPECT_EQ(seen.mac, ours().source_mac);
  EXPECT_EQ(seen.vlan, 101);
  EXPECT_EQ(seen.ip, peer.our_ip);
  EXPECT_EQ(seen.our_ip, peer.ip);
  EXPECT_EQ(seen.port, peer.our_port);
  EXPECT_EQ(seen.our_port, peer.port);
}

TEST(PeerAddress, AnAnswerToAGroupsFrameComesFromOurOwnAddress) {
  for (const std::uint32_t group : {0xefc00201U, 0xffffffffU}) {
    MadeFrame made;
    made.destination_ip = group;
    const Bytes back = answer(PeerAddress::of(bytes_of(made)));
    EXPECT_EQ(PeerAddress::of(back).ip, ours().source_ip);
  }
}

TEST(PeerAddress, AnUntaggedPeerGetsTheTagThatWasAskedFor) {
  const PeerAddress peer = PeerAddress::of(bytes_of({}));
  wire::FrameHeaderOptions options = ours();
  options.vlan_id = 7;
  EXPECT_EQ(PeerAddress::of(answer(peer, options)).vlan, 7);
  EXPECT_EQ(PeerAddress::of(answer(peer)).vlan, PeerAddress::kUntagged);
}

}  // namespace
}  // namespace testbab
