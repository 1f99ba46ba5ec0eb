#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>
#include <bab/port/offloads.hpp>

namespace bab {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using wire::TagBy;

constexpr std::uint64_t kInsert = RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
constexpr std::uint64_t kStrip = RTE_ETH_RX_OFFLOAD_VLAN_STRIP;

/// Negotiates with checksums in software, so that only the tags matter.
Offloads agree(const char* driver, const VlanChoices& choices, std::uint64_t tx = kInsert,
               std::uint64_t rx = kStrip) {
  rte_eth_dev_info info{};
  info.driver_name = driver;
  info.tx_offload_capa = tx;
  info.rx_offload_capa = rx;
  return negotiate(info, "made_up0", ChecksumChoice::kSw, ChecksumChoice::kSw, choices);
}

Capability of(const Offloads& o, std::string_view name) {
  for (const Capability& c : o.report)
    if (c.name == name) return c;
  return {"", "not reported", ""};
}

std::string refusal(const char* driver, std::uint64_t tx) {
  try {
    agree(driver, {.insert = TagChoice::kHw}, tx);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Vlan, IsSoftwaresUnlessTheDeviceIsAskedFor) {
  for (const TagChoice insert : {TagChoice::kAuto, TagChoice::kSw}) {
    const Offloads o = agree("net_made_up", {.insert = insert});
    EXPECT_EQ(o.tx_vlan, TagBy::kSoftware);
    EXPECT_EQ(o.tx_flags, 0U);
    EXPECT_EQ(o.rx_flags, 0U);
    EXPECT_EQ(of(o, "tx vlan insert").by, "software");
    EXPECT_EQ(of(o, "rx vlan strip").by, "off");
  }
}

TEST(Vlan, TheDeviceInsertsWhereItIsAskedTo) {
  const Offloads o = agree("net_made_up", {.insert = TagChoice::kHw});
  EXPECT_EQ(o.tx_vlan, TagBy::kDevice);
  EXPECT_EQ(o.tx_flags, kInsert);
  EXPECT_EQ(o.rx_flags, 0U) << "the other way is apart";
  EXPECT_EQ(of(o, "tx vlan insert").by, "device");
  EXPECT_EQ(of(o, "tx vlan insert").why, "asked for");
}

TEST(Vlan, ADeviceThatInsertsNoneIsRefused) {
  EXPECT_THAT(refusal("net_made_up", 0), AllOf(HasSubstr("made_up0 (net_made_up) inserts none"),
                                               HasSubstr("leave them to software")));
}

/// In such drivers, rte_vlan_insert() moves bytes of frames that others may be reading.
TEST(Vlan, ADriverThatInsertsInSoftwareIsRefused) {
  for (const char* driver :
       {"net_virtio", "net_virtio_user", "net_vhost", "net_af_packet", "net_dpaa2", "net_bonding"})
    EXPECT_THAT(refusal(driver, kInsert), HasSubstr("inserts them in software")) << driver;
  for (const char* driver : {"net_vmxnet3", "net_ixgbe", "mlx5_pci"})
    EXPECT_EQ(refusal(driver, kInsert), "no error") << driver;
}

TEST(Vlan, TheDeviceStripsWhereItIsAskedTo) {
  const Offloads o = agree("net_virtio", {.strip = true});
  EXPECT_EQ(o.rx_flags, kStrip);
  EXPECT_EQ(o.tx_flags, 0U);
  EXPECT_EQ(of(o, "rx vlan strip").by, "device");
}

TEST(Vlan, ADeviceThatCannotStripIsServedInSoftware) {
  const Offloads o = agree("net_made_up", {.strip = true}, kInsert, 0);
  EXPECT_EQ(o.rx_flags, 0U);
  EXPECT_EQ(of(o, "rx vlan strip").by, "software");
  EXPECT_THAT(of(o, "rx vlan strip").why, HasSubstr("net_made_up doesn't offer it"));
}

TEST(Vlan, E1000InsertsOnlyWhereItStrips) {
  const Offloads o = agree("net_e1000_em", {.insert = TagChoice::kHw});
  EXPECT_EQ(o.tx_flags, kInsert);
  EXPECT_EQ(o.rx_flags, kStrip);
  EXPECT_EQ(of(o, "rx vlan strip").by, "device");
  EXPECT_THAT(of(o, "rx vlan strip").why, HasSubstr("only where it strips"));
  EXPECT_EQ(agree("net_e1000_em", {}).rx_flags, 0U) << "and only when it inserts";
}

TEST(Vlan, ChecksumsAreAgreedAsBefore) {
  rte_eth_dev_info info{};
  info.driver_name = "net_made_up";
  info.tx_offload_capa = info.rx_offload_capa = ~std::uint64_t{0};
  const Offloads o = negotiate(info, "made_up0", ChecksumChoice::kHw, ChecksumChoice::kSw,
                               {.insert = TagChoice::kHw, .strip = true});
  EXPECT_EQ(o.tx_flags, kInsert | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM);
  EXPECT_EQ(o.rx_flags, kStrip);
  EXPECT_EQ(o.rx, VerifyChecksums::kSoftware);
}

}  // namespace
}  // namespace bab
