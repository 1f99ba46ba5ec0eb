#include <array>
#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/loopback_pair.hpp>
#include <bab/port/port.hpp>

#include "full_pool.hpp"
#include "test_port.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::receiving_pool;
using test::Vdev;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

template <class Make>
std::string error_of(Make make) {
  try {
    make();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(PortClaim, ADeviceHasOnePortAtATime) {
  FullPool pool(receiving_pool(4));
  const Vdev device("net_null1");
  std::optional<Port> first(std::in_place, PortOptions{.id = device.id()}, pool);
  first->start();
  EXPECT_THAT(error_of([&] { Port({.id = device.id()}, pool); }),
              AllOf(HasSubstr("net_null1"), HasSubstr("in use by another bab::Port"),
                    HasSubstr("take another port")));
  EXPECT_TRUE(first->started()) << "and the first one goes on";
  EXPECT_EQ(rte_eth_dev_is_valid_port(device.id()), 1);
  EXPECT_THAT(port_ids(), Contains(device.id()));
}

TEST(PortClaim, APortThatCanNotBeLeavesItsDeviceToTheNext) {
  FullPool pool(receiving_pool(4));
  const Loopback loopback;
  const auto error = error_of([&] { Port({.id = loopback.port_id(), .rx_queues = 17}, pool); });
  EXPECT_THAT(error, HasSubstr("17 RX"));
  Port port({.id = loopback.port_id()}, pool);
  port.start();
}

TEST(PortClaim, ADriversOwnPortIsNotForOthers) {
  FullPool pool(receiving_pool(4));
  const Vdev device("net_null1");
  rte_eth_dev_owner owner{0, "net_bonding7"};
  ASSERT_EQ(rte_eth_dev_owner_new(&owner.id), 0);
  ASSERT_EQ(rte_eth_dev_owner_set(device.id(), &owner), 0);
  EXPECT_THAT(error_of([&] { Port({.id = device.id()}, pool); }),
              HasSubstr("in use by net_bonding7"));
  ASSERT_EQ(rte_eth_dev_owner_unset(device.id(), owner.id), 0);
  const Port port({.id = device.id()}, pool);
}

TEST(PortClaim, APortWhoseLoopbackWentLeavesTheNextOneAlone) {
  FullPool pool(receiving_pool(4));
  std::optional<Loopback> first(std::in_place);
  const std::uint16_t id = first->port_id();
  std::optional<Port> late(std::in_place, PortOptions{.id = id}, pool);
  late->start();
  first.reset();
  const Loopback second;
  ASSERT_EQ(second.port_id(), id) << "ids are given again";
  Port port({.id = id}, pool);
  port.start();
  late.reset();
  EXPECT_EQ(rte_eth_dev_is_valid_port(id), 1);
  EXPECT_THAT(error_of([&] { Port({.id = id}, pool); }), HasSubstr("in use by another"));
}

TEST(Loopback, OfNoQueuesIsRefusedWithWhatIsAllowed) {
  EXPECT_THAT(error_of([] { Loopback(0); }), HasSubstr("0 queues was asked for, it has 1 to 16"));
  EXPECT_THAT(error_of([] { LoopbackPair(0); }), HasSubstr("it has 1 to 16"));
  EXPECT_THAT(error_of([] { Loopback(1, 0); }), HasSubstr("0 items"));
}

TEST(Loopback, ANameThatIsTakenIsPassedOver) {
  // The two devices stand for loopbacks that another copy of the library in this process, such as a
  // plugin's, has made.
  const Loopback now;
  std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
  ASSERT_EQ(rte_eth_dev_get_name_by_port(now.port_id(), name.data()), 0);
  const std::string prefix = "net_ring_bab";
  const unsigned n =
      static_cast<unsigned>(std::stoul(std::string(name.data()).substr(prefix.size())));
  const Vdev next(prefix + std::to_string(n + 1)), after(prefix + std::to_string(n + 2));
  const Loopback third;
  ASSERT_EQ(rte_eth_dev_get_name_by_port(third.port_id(), name.data()), 0);
  EXPECT_EQ(std::string(name.data()), prefix + std::to_string(n + 3));
}

TEST(Loopback, MovesWithItsDevice) {
  FullPool pool(receiving_pool(4));
  Loopback first;
  Loopback second(1, 4);
  const std::uint16_t kept = first.port_id(), gone = second.port_id();
  second = std::move(first);
  EXPECT_EQ(second.port_id(), kept);
  EXPECT_EQ(rte_eth_dev_is_valid_port(gone), 0);
  Port port({.id = second.port_id()}, pool);
  port.start();
  auto sent = test::frames_of(pool, {60});
  ASSERT_EQ(port.tx(0).send(sent), 1U);
  EXPECT_EQ(second.queued(), 1U);
  EXPECT_EQ(port.drain(), 1U);
}

TEST(LoopbackPair, MovesWithItsDevices) {
  LoopbackPair first, second;
  const auto kept = first.port_ids();
  second = std::move(first);
  EXPECT_EQ(second.port_ids(), kept);
  EXPECT_EQ(second.queued(0), 0U);
}

}  // namespace
}  // namespace bab
