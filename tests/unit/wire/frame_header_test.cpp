#include <bab/wire/frame_header.hpp>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/wire/frame_parser.hpp>

#include "made_frame.hpp"
#include "naive_parser.hpp"

namespace bab::wire {
namespace {

using test::Bytes;
using test::number;
using test::slice;

FrameHeaderOptions options() {
  FrameHeaderOptions o;
  o.source_mac = {2, 0, 0, 0, 0, 0xa1};
  o.destination_mac = {1, 0, 0x5e, 0x36, 0x0c, 0x6f};
  o.source_ip = 0xc6336401;
  o.destination_ip = 0xe9360c6f;
  o.source_port = 4660;
  o.destination_port = 26477;
  o.ttl = 3;
  o.session = make_session("STAMPED");
  return o;
}

/// The blocks of two messages, of 3 and 0 bytes.
Bytes blocks() { return {0, 3, 'a', 'b', 'c', 0, 0}; }

Bytes stamped(const FrameHeaderOptions& o, const Bytes& payload = blocks(), std::uint16_t count = 2,
              std::uint64_t sequence = 0x0102030405060708) {
  const FrameHeader header(o);
  Bytes frame(header.size(), 0xcc);  // bytes that an earlier frame left
  frame.insert(frame.end(), payload.begin(), payload.end());
  header.stamp(frame.data(), static_cast<std::uint32_t>(payload.size()), sequence, count);
  return frame;
}

TEST(FrameHeader, HasTheSizeOfItsHeaders) {
  FrameHeaderOptions o = options();
  EXPECT_EQ(FrameHeader(o).size(), 14 + 20 + 8 + 20);
  EXPECT_EQ(FrameHeader(o).l2_size(), 14);
  o.vlan_id = 0;
  EXPECT_EQ(FrameHeader(o).size(), FrameHeader::kMaxBytes);
  EXPECT_EQ(FrameHeader(o).size(), 18 + 20 + 8 + 20);
  EXPECT_EQ(FrameHeader(o).l2_size(), 18);
}

TEST(FrameHeader, TellsItsSession) {
  FrameHeaderOptions o = options();
  EXPECT_EQ(FrameHeader(o).session(), make_session("STAMPED"));
  o.vlan_id = 7;
  EXPECT_EQ(FrameHeader(o).session(), make_session("STAMPED"));
}

TEST(FrameHeader, StampsEachField) {
  const Bytes f = stamped(options());
  EXPECT_EQ(slice(f, 0, 6), (Bytes{1, 0, 0x5e, 0x36, 0x0c, 0x6f}));
  EXPECT_EQ(slice(f, 6, 12), (Bytes{2, 0, 0, 0, 0, 0xa1}));
  EXPECT_EQ(number(f, 12, 2), 0x0800U);
  EXPECT_EQ(f[14], 0x45);
  EXPECT_EQ(f[15], 0) << "type of service";
  EXPECT_EQ(number(f, 16, 2), 20U + 8 + 20 + 7);
  EXPECT_EQ(number(f, 18, 2), 0U) << "identification";
  EXPECT_EQ(number(f, 20, 2), 0x4000U) << "DF";
  EXPECT_EQ(f[22], 3);
  EXPECT_EQ(f[23], 17);
  EXPECT_EQ(number(f, 24, 2), test::slow_checksum([&] {
              Bytes ip = slice(f, 14, 34);
              ip[10] = ip[11] = 0;
              return ip;
            }()));
  EXPECT_EQ(number(f, 26, 4), 0xc6336401U);
  EXPECT_EQ(number(f, 30, 4), 0xe9360c6fU);
  EXPECT_EQ(number(f, 34, 2), 4660U);
  EXPECT_EQ(number(f, 36, 2), 26477U);
  EXPECT_EQ(number(f, 38, 2), 8U + 20 + 7);
  EXPECT_EQ(test::slow_udp_checksum(slice(f, 26, 34), slice(f, 34, f.size())), 0);
  EXPECT_NE(number(f, 40, 2), 0U);
  EXPECT_EQ(slice(f, 42, 52), test::bytes_of("STAMPED   "));
  EXPECT_EQ(number(f, 52, 8), 0x0102030405060708U);
  EXPECT_EQ(number(f, 60, 2), 2U);
  EXPECT_EQ(slice(f, 62, f.size()), blocks()) << "messages stay as they are";
}

TEST(FrameHeader, PutsTheVlanTagInFrontOfTheEtherType) {
  FrameHeaderOptions o = options();
  const Bytes plain = stamped(o);
  o.vlan_id = 0xabc;
  const Bytes tagged = stamped(o);
  EXPECT_EQ(slice(tagged, 0, 12), slice(plain, 0, 12));
  EXPECT_EQ(slice(tagged, 12, 16), (Bytes{0x81, 0x00, 0x0a, 0xbc}));
  EXPECT_EQ(slice(tagged, 16, tagged.size()), slice(plain, 12, plain.size()));
}

TEST(FrameHeader, LeavesATagToTheDevice) {
  FrameHeaderOptions o = options();
  const Bytes plain = stamped(o);
  o.vlan_tag = TagBy::kDevice;
  EXPECT_EQ(FrameHeader(o).device_tag(), std::nullopt) << "there is none";
  o.vlan_id = 0xabc;
  const FrameHeader header(o);
  EXPECT_EQ(header.device_tag(), 0xabc);
  EXPECT_EQ(header.size(), 62);
  EXPECT_EQ(header.l2_size(), 14) << "of what is in memory";
  EXPECT_EQ(stamped(o), plain);
  o.vlan_tag = TagBy::kSoftware;
  EXPECT_EQ(FrameHeader(o).device_tag(), std::nullopt);
}

TEST(FrameHeader, TakesVlanIdsUpTo4094) {
  FrameHeaderOptions o = options();
  o.vlan_id = 4094;
  EXPECT_NO_THROW(FrameHeader{o});
  for (const std::uint16_t id : std::initializer_list<std::uint16_t>{4095, 4096, 0x6005, 0xffff}) {
    o.vlan_id = id;
    try {
      const FrameHeader header(o);
      FAIL() << id;
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()),
                "a frame header with VLAN id " + std::to_string(id) + "; it takes 0 to 4094");
    }
  }
}

TEST(FrameHeader, TagsVlanZero) {
  FrameHeaderOptions o = options();
  o.vlan_id = 0;
  EXPECT_EQ(slice(stamped(o), 12, 18), (Bytes{0x81, 0, 0, 0, 8, 0}));
}

TEST(FrameHeader, StampsWhatTheParserTakes) {
  for (std::optional<std::uint16_t> vlan : {std::optional<std::uint16_t>{}, {101}})
    for (ChecksumBy udp : {ChecksumBy::kNone, ChecksumBy::kSoftware}) {
      FrameHeaderOptions o = options();
      o.vlan_id = vlan;
      o.udp_checksum = udp;
      const Bytes frame = stamped(o);
      ParsedFrame parsed;
      ASSERT_EQ(parse_frame(frame, {true, true}, 26477, parsed), Drop::kNone);
      EXPECT_EQ(parsed.mold.session, o.session);
      EXPECT_EQ(parsed.mold.sequence, 0x0102030405060708U);
      EXPECT_EQ(parsed.mold.messages(), 2U);
      EXPECT_EQ(Bytes(parsed.blocks.begin(), parsed.blocks.end()), blocks());
    }
}

TEST(FrameHeader, StampsEveryPayloadLengthOfAJumboFrame) {
  for (std::optional<std::uint16_t> vlan : {std::optional<std::uint16_t>{}, {4094}}) {
    FrameHeaderOptions o = options();
    o.vlan_id = vlan;
    for (std::size_t len = 0; len <= FrameHeader::payload_capacity(9000) - 2; len += 1 + len / 16) {
      Bytes payload(2 + len, 0xfd);
      payload[0] = static_cast<std::uint8_t>(len >> 8);
      payload[1] = static_cast<std::uint8_t>(len);
      ParsedFrame parsed;
      ASSERT_EQ(parse_frame(stamped(o, payload, 1), {true, true}, 0, parsed), Drop::kNone) << len;
    }
  }
}

TEST(FrameHeader, StampsTheSameFrameAgain) {
  FrameHeaderOptions o = options();
  const FrameHeader header(o);
  Bytes frame = stamped(o);
  const Bytes first = frame;
  header.stamp(frame.data(), 7, 0x0102030405060708, 2);
  EXPECT_EQ(frame, first);
}

TEST(FrameHeader, StampsHeartbeatAndEndOfSession) {
  for (std::uint16_t count : {kMoldHeartbeat, kMoldEndOfSession}) {
    ParsedFrame parsed;
    ASSERT_EQ(parse_frame(stamped(options(), {}, count, 77), {true, true}, 0, parsed), Drop::kNone);
    EXPECT_EQ(parsed.mold.count, count);
    EXPECT_EQ(parsed.mold.sequence, 77U);
  }
}

TEST(FrameHeader, NoUdpChecksumIsZero) {
  FrameHeaderOptions o = options();
  o.udp_checksum = ChecksumBy::kNone;
  EXPECT_EQ(number(stamped(o), 40, 2), 0U);
}

TEST(FrameHeader, UdpChecksumComputedAsZeroIsAllOnes) {
  FrameHeaderOptions o = options();
  Bytes payload{0, 4, 'a', 'b', 0, 0};
  const Bytes before = stamped(o, payload, 1);
  payload[4] = before[40];
  payload[5] = before[41];
  const Bytes frame = stamped(o, payload, 1);
  EXPECT_EQ(number(frame, 40, 2), 0xffffU);
  ParsedFrame parsed;
  EXPECT_EQ(parse_frame(frame, {true, true}, 0, parsed), Drop::kNone);
}

TEST(FrameHeader, LeavesChecksumsToTheDevice) {
  for (std::optional<std::uint16_t> vlan : {std::optional<std::uint16_t>{}, {101}}) {
    FrameHeaderOptions o = options();
    o.vlan_id = vlan;
    o.ip_checksum = o.udp_checksum = ChecksumBy::kDevice;
    const FrameHeader header(o);
    EXPECT_EQ(header.ip_checksum_by(), ChecksumBy::kDevice);
    EXPECT_EQ(header.udp_checksum_by(), ChecksumBy::kDevice);
    Bytes frame = stamped(o);
    const std::size_t ip = header.l2_size();
    EXPECT_EQ(number(frame, ip + 10, 2), 0U);
    // The field holds the sum over the pseudo header, not complemented.
    Bytes pseudo = slice(frame, ip + 12, ip + 20);
    for (int b : {0, 17, 0, 8 + 20 + 7}) pseudo.push_back(static_cast<std::uint8_t>(b));
    EXPECT_EQ(number(frame, ip + 26, 2), 0xffffU - test::slow_checksum(pseudo));
    // The device then computes two plain sums: one from the UDP header on, one over the IP header.
    const std::uint16_t udp_sum = test::slow_checksum(slice(frame, ip + 20, frame.size()));
    const std::uint16_t ip_sum = test::slow_checksum(slice(frame, ip, ip + 20));
    frame[ip + 26] = static_cast<std::uint8_t>(udp_sum >> 8);
    frame[ip + 27] = static_cast<std::uint8_t>(udp_sum);
    frame[ip + 10] = static_cast<std::uint8_t>(ip_sum >> 8);
    frame[ip + 11] = static_cast<std::uint8_t>(ip_sum);
    ParsedFrame parsed;
    EXPECT_EQ(parse_frame(frame, {true, true}, 0, parsed), Drop::kNone);
  }
}

/// A buffer that held another frame before. Its headers are stamped now.
struct StampedBuffer {
  explicit StampedBuffer(const FrameHeaderOptions& o) {
    m.buf_addr = bytes.data();
    m.l2_len = 0x55;
    m.l3_len = 0x55;
    m.ol_flags = RTE_MBUF_F_TX_TCP_SEG;
    m.vlan_tci = 0x5555;
    FrameHeader(o).stamp(&m, 7, 1, 2);
  }
  Bytes bytes = Bytes(FrameHeader::kMaxBytes + 7);
  const std::unique_ptr<rte_mbuf> owned = std::make_unique<rte_mbuf>();
  rte_mbuf& m = *owned;
};

TEST(FrameHeader, TellsTheDeviceWhatIsLeftToIt) {
  FrameHeaderOptions o = options();
  o.ip_checksum = ChecksumBy::kDevice;
  const StampedBuffer ip(o);
  EXPECT_EQ(ip.m.ol_flags, RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM);
  EXPECT_EQ(ip.m.l2_len, 14U);
  EXPECT_EQ(ip.m.l3_len, 20U);
  EXPECT_EQ(ip.m.vlan_tci, 0U);
  o.vlan_id = 0xabc;
  o.ip_checksum = ChecksumBy::kSoftware;
  o.udp_checksum = ChecksumBy::kDevice;
  const StampedBuffer udp(o);
  EXPECT_EQ(udp.m.ol_flags, RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM);
  EXPECT_EQ(udp.m.l2_len, 18U);
  EXPECT_EQ(udp.m.vlan_tci, 0U) << "the tag is among the headers";
  o.udp_checksum = ChecksumBy::kNone;
  o.vlan_tag = TagBy::kDevice;
  const StampedBuffer tag(o);
  EXPECT_EQ(tag.m.ol_flags, RTE_MBUF_F_TX_VLAN);
  EXPECT_EQ(tag.m.vlan_tci, 0xabcU);
  EXPECT_EQ(tag.m.l2_len, 14U);
}

TEST(FrameHeader, ABufferOfWhichNothingIsLeftToTheDeviceStaysAsItIs) {
  FrameHeaderOptions o = options();
  const StampedBuffer software(o);
  EXPECT_EQ(software.m.ol_flags, RTE_MBUF_F_TX_TCP_SEG) << "a pool's buffer has none";
  o.vlan_tag = TagBy::kDevice;  // there is no tag
  EXPECT_EQ(StampedBuffer(o).m.ol_flags, RTE_MBUF_F_TX_TCP_SEG);
}

TEST(FrameHeader, Ipv4IsNeverWithoutChecksum) {
  FrameHeaderOptions o = options();
  o.ip_checksum = ChecksumBy::kNone;
  EXPECT_EQ(FrameHeader(o).ip_checksum_by(), ChecksumBy::kSoftware);
  EXPECT_EQ(stamped(o), stamped(options()));
}

TEST(FrameHeader, PayloadCapacityIsTheMtuWithoutHeaders) {
  // The largest messages of MoldUDP64 at these MTUs, plus the 2 bytes of a message's length.
  EXPECT_EQ(FrameHeader::payload_capacity(1500), 1450U + 2);
  EXPECT_EQ(FrameHeader::payload_capacity(9000), 8950U + 2);
  EXPECT_EQ(FrameHeader::payload_capacity(48), 0U);
  EXPECT_EQ(FrameHeader::payload_capacity(47), 0U);
  EXPECT_EQ(FrameHeader::payload_capacity(0), 0U);
}

TEST(FrameHeader, PayloadCapacityFitsTheIpLength) {
  EXPECT_EQ(FrameHeader::payload_capacity(65'535), 65'487U);
  EXPECT_EQ(FrameHeader::payload_capacity(65'536), 65'487U);
  EXPECT_EQ(FrameHeader::payload_capacity(~0U), 65'487U);
}

TEST(FrameHeader, StampsTheLargestPacket) {
  const std::uint32_t most = FrameHeader::payload_capacity(65'535);
  Bytes payload(most, 0xff);
  payload[0] = static_cast<std::uint8_t>((most - 2) >> 8);
  payload[1] = static_cast<std::uint8_t>(most - 2);
  ParsedFrame parsed;
  EXPECT_EQ(parse_frame(stamped(options(), payload, 1), {true, true}, 0, parsed), Drop::kNone);
}

}  // namespace
}  // namespace bab::wire
