#include <bab/port/shareable.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/port.hpp>

#include "full_pool.hpp"
#include "test_port.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::receiving_pool;
using test::Vdev;

TEST(Shareable, PortWithoutFastFreeIs) {
  FullPool pool(receiving_pool(2));
  const Loopback loopback;
  const Port port({.id = loopback.port_id()}, pool);
  EXPECT_NO_THROW(require_shareable(port.id()));
}

TEST(Shareable, FastFreeIsRefusedByNameWithItsMend) {
  try {
    require_shareable("port 3 (net_made_up)",
                      RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE);
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::AllOf(testing::HasSubstr("port 3 (net_made_up)"),
                                         testing::HasSubstr("FAST_FREE"),
                                         testing::HasSubstr("configure it without")));
  }
  EXPECT_NO_THROW(require_shareable("port 3", ~RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE));
}

TEST(Shareable, PortConfiguredWithFastFreeIsNot) {
  const Vdev device("net_null1");
  rte_eth_conf conf{};
  conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
  if (rte_eth_dev_configure(device.id(), 1, 1, &conf) != 0)
    GTEST_SKIP() << "net_null has no MBUF_FAST_FREE in this DPDK";
  EXPECT_THROW(require_shareable(device.id()), Error);
}

TEST(Shareable, PortThatIsNotThereIsAnError) {
  EXPECT_THROW(require_shareable(std::uint16_t{RTE_MAX_ETHPORTS - 1}), Error);
}

}  // namespace
}  // namespace bab
