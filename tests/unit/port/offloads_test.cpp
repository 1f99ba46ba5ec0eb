#include <bab/port/offloads.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>

namespace bab {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using wire::ChecksumBy;

constexpr std::uint64_t kTxIp = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
constexpr std::uint64_t kTxUdp = RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
constexpr std::uint64_t kRxIp = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
constexpr std::uint64_t kRxUdp = RTE_ETH_RX_OFFLOAD_UDP_CKSUM;

constexpr ChecksumChoice kChoices[] = {ChecksumChoice::kAuto, ChecksumChoice::kHw,
                                       ChecksumChoice::kSw, ChecksumChoice::kOff};

rte_eth_dev_info device(std::uint64_t tx, std::uint64_t rx, const char* driver = "net_made_up") {
  rte_eth_dev_info info{};
  info.driver_name = driver;
  info.tx_offload_capa = tx;
  info.rx_offload_capa = rx;
  return info;
}

const rte_eth_dev_info kPlain = device(0, 0);
const rte_eth_dev_info kAble = device(~std::uint64_t{0}, ~std::uint64_t{0});

Offloads agree(const rte_eth_dev_info& info, ChecksumChoice tx, ChecksumChoice rx) {
  return negotiate(info, "made_up0", tx, rx);
}

std::string by(const Offloads& o, std::string_view name) {
  for (const Capability& c : o.report)
    if (c.name == name) return std::string(c.by);
  return "not reported";
}

std::string why(const Offloads& o, std::string_view name) {
  for (const Capability& c : o.report)
    if (c.name == name) return c.why;
  return "not reported";
}

TEST(Offloads, AutoTakesAllThatTheDeviceHas) {
  const Offloads o = agree(kAble, ChecksumChoice::kAuto, ChecksumChoice::kAuto);
  EXPECT_EQ(o.tx_ip, ChecksumBy::kDevice);
  EXPECT_EQ(o.tx_udp, ChecksumBy::kDevice);
  EXPECT_EQ(o.rx, VerifyChecksums::kDeviceThenHere);
  EXPECT_EQ(o.tx_flags, kTxIp | kTxUdp);
  EXPECT_EQ(o.rx_flags, kRxIp | kRxUdp);
}

TEST(Offloads, AutoDoesInSoftwareWhatTheDeviceLacks) {
  const Offloads o = agree(kPlain, ChecksumChoice::kAuto, ChecksumChoice::kAuto);
  EXPECT_EQ(o.tx_ip, ChecksumBy::kSoftware);
  EXPECT_EQ(o.tx_udp, ChecksumBy::kSoftware);
  EXPECT_EQ(o.rx, VerifyChecksums::kSoftware);
  EXPECT_EQ(o.tx_flags, 0U);
  EXPECT_EQ(o.rx_flags, 0U);
}

TEST(Offloads, EachChecksumIsAgreedByItself) {
  const Offloads udp_only =
      agree(device(kTxUdp, kRxUdp), ChecksumChoice::kAuto, ChecksumChoice::kAuto);
  EXPECT_EQ(udp_only.tx_ip, ChecksumBy::kSoftware);
  EXPECT_EQ(udp_only.tx_udp, ChecksumBy::kDevice);
  EXPECT_EQ(udp_only.tx_flags, kTxUdp);
  EXPECT_EQ(udp_only.rx_flags, kRxUdp);
  const Offloads ip_only =
      agree(device(kTxIp, kRxIp), ChecksumChoice::kAuto, ChecksumChoice::kAuto);
  EXPECT_EQ(ip_only.tx_ip, ChecksumBy::kDevice);
  EXPECT_EQ(ip_only.tx_udp, ChecksumBy::kSoftware);
  EXPECT_EQ(ip_only.rx, VerifyChecksums::kDeviceThenHere) << "which verifies UDP here";
  EXPECT_EQ(by(ip_only, "rx ipv4 checksum"), "device");
  EXPECT_EQ(by(ip_only, "rx udp checksum"), "software");
}

TEST(Offloads, NeverFastFree) {
  for (ChecksumChoice tx : kChoices)
    for (ChecksumChoice rx : kChoices)
      EXPECT_EQ(agree(kAble, tx, rx).tx_flags & ~(kTxIp | kTxUdp), 0U);
}

TEST(Offloads, HwIsTheDevice) {
  const Offloads o = agree(kAble, ChecksumChoice::kHw, ChecksumChoice::kHw);
  EXPECT_EQ(o.tx_ip, ChecksumBy::kDevice);
  EXPECT_EQ(o.tx_udp, ChecksumBy::kDevice);
  EXPECT_EQ(o.rx, VerifyChecksums::kDeviceThenHere);
}

TEST(Offloads, HwIsRefusedWhereTheDeviceLacksIt) {
  const auto refusal = [](std::uint64_t tx_capa, std::uint64_t rx_capa, ChecksumChoice tx,
                          ChecksumChoice rx) -> std::string {
    try {
      agree(device(tx_capa, rx_capa), tx, rx);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_THAT(refusal(0, kRxIp | kRxUdp, ChecksumChoice::kHw, ChecksumChoice::kAuto),
              AllOf(HasSubstr("TX checksums by hardware"), HasSubstr("made_up0"),
                    HasSubstr("net_made_up")));
  EXPECT_THAT(refusal(kTxIp, 0, ChecksumChoice::kHw, ChecksumChoice::kSw),
              HasSubstr("TX checksums by hardware"));
  EXPECT_THAT(refusal(kTxIp | kTxUdp, 0, ChecksumChoice::kAuto, ChecksumChoice::kHw),
              AllOf(HasSubstr("RX checksums by hardware"), HasSubstr("made_up0"),
                    HasSubstr("net_made_up")));
  EXPECT_THAT(refusal(0, kRxIp, ChecksumChoice::kSw, ChecksumChoice::kHw),
              HasSubstr("RX checksums by hardware"));
}

TEST(Offloads, HwTakesADeviceOfUdpChecksumsOnlyAndSaysSo) {
  // virtio offers only UDP checksums. An IPv4 header has 20 bytes, and its checksum in software
  // costs almost nothing.
  const Offloads o = agree(device(kTxUdp, kRxUdp), ChecksumChoice::kHw, ChecksumChoice::kHw);
  EXPECT_EQ(o.tx_udp, ChecksumBy::kDevice);
  for (const char* name : {"tx ipv4 checksum", "rx ipv4 checksum"}) {
    EXPECT_EQ(by(o, name), "software") << name;
    EXPECT_EQ(why(o, name), "net_made_up doesn't offer it") << name;
  }
  EXPECT_EQ(why(o, "tx udp checksum"), "asked for");
}

TEST(Offloads, SwLeavesTheDeviceAlone) {
  const Offloads o = agree(kAble, ChecksumChoice::kSw, ChecksumChoice::kSw);
  EXPECT_EQ(o.tx_ip, ChecksumBy::kSoftware);
  EXPECT_EQ(o.tx_udp, ChecksumBy::kSoftware);
  EXPECT_EQ(o.rx, VerifyChecksums::kSoftware);
  EXPECT_EQ(o.tx_flags, 0U);
  EXPECT_EQ(o.rx_flags, 0U);
}

TEST(Offloads, OffSendsNoUdpChecksumAndVerifiesNothing) {
  const Offloads o = agree(kAble, ChecksumChoice::kOff, ChecksumChoice::kOff);
  EXPECT_EQ(o.tx_ip, ChecksumBy::kSoftware) << "IPv4 has no form without a checksum";
  EXPECT_EQ(o.tx_udp, ChecksumBy::kNone);
  EXPECT_EQ(o.rx, VerifyChecksums::kOff);
  EXPECT_EQ(o.tx_flags, 0U);
  EXPECT_EQ(o.rx_flags, 0U);
}

TEST(Offloads, DirectionsAreApart) {
  const Offloads o = agree(kAble, ChecksumChoice::kSw, ChecksumChoice::kHw);
  EXPECT_EQ(o.tx_flags, 0U);
  EXPECT_EQ(o.rx_flags, kRxIp | kRxUdp);
  const Offloads p = agree(kAble, ChecksumChoice::kHw, ChecksumChoice::kOff);
  EXPECT_EQ(p.tx_flags, kTxIp | kTxUdp);
  EXPECT_EQ(p.rx_flags, 0U);
}

TEST(Offloads, AutoSendsNoUdpChecksumOnMemoryPorts) {
  for (const char* driver : {"net_ring", "net_memif"}) {
    const rte_eth_dev_info info = device(0, 0, driver);
    const Offloads o = agree(info, ChecksumChoice::kAuto, ChecksumChoice::kAuto);
    EXPECT_EQ(o.tx_udp, ChecksumBy::kNone);
    EXPECT_EQ(o.tx_ip, ChecksumBy::kSoftware);
    EXPECT_EQ(o.rx, VerifyChecksums::kSoftware) << "a peer may send one";
    EXPECT_EQ(agree(info, ChecksumChoice::kSw, ChecksumChoice::kSw).tx_udp, ChecksumBy::kSoftware);
  }
}

TEST(Offloads, MemoryPortsAreThoseOfMemory) {
  EXPECT_TRUE(is_memory_port("net_ring"));
  EXPECT_TRUE(is_memory_port("net_memif"));
  for (const char* driver : {"net_af_packet", "net_tap", "net_null", "net_pcap", "net_ixgbe", ""})
    EXPECT_FALSE(is_memory_port(driver)) << driver;
}

TEST(Offloads, ReportSaysOfEachWhoAndWhy) {
  for (const rte_eth_dev_info& info : {kPlain, kAble, device(0, 0, "net_ring")})
    for (ChecksumChoice tx : kChoices)
      for (ChecksumChoice rx : kChoices) {
        if (info.tx_offload_capa == 0 && (tx == ChecksumChoice::kHw || rx == ChecksumChoice::kHw))
          continue;
        const Offloads o = agree(info, tx, rx);
        ASSERT_EQ(o.report.size(), 6U);
        const auto is = [&](ChecksumBy who) {
          return who == ChecksumBy::kDevice     ? "device"
                 : who == ChecksumBy::kSoftware ? "software"
                                                : "off";
        };
        EXPECT_EQ(by(o, "tx ipv4 checksum"), is(o.tx_ip));
        EXPECT_EQ(by(o, "tx udp checksum"), is(o.tx_udp));
        const std::string rx_by = o.rx == VerifyChecksums::kOff        ? "off"
                                  : o.rx == VerifyChecksums::kSoftware ? "software"
                                                                       : "device";
        EXPECT_EQ(by(o, "rx ipv4 checksum"), rx_by);
        EXPECT_EQ(by(o, "rx udp checksum"), rx_by);
        for (const Capability& c : o.report) EXPECT_FALSE(c.why.empty()) << c.name;
      }
}

TEST(Offloads, ReportNamesTheDriver) {
  const Offloads o = agree(kPlain, ChecksumChoice::kAuto, ChecksumChoice::kAuto);
  EXPECT_EQ(why(o, "tx udp checksum"), "net_made_up doesn't offer it");
  EXPECT_EQ(why(agree(kAble, ChecksumChoice::kAuto, ChecksumChoice::kAuto), "rx udp checksum"),
            "net_made_up offers it");
}

}  // namespace
}  // namespace bab
