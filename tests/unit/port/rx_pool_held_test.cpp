// A Port's knowledge of the buffers that its driver holds, and the memory that suffices for the
// port.
#include <bit>
#include <cerrno>
#include <cstring>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_mempool.h>

#include "odd_port.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::kDescriptors;
using test::receiving_pool;
using testing::AllOf;
using testing::ElementsAre;
using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using RxPoolHeld = test::OddPort;

TEST_F(RxPoolHeld, OfASoftwareDeviceIsWhatItTook) {
  driver.is_nic = driver.tells = false;
  make(1500);
  EXPECT_EQ(asked.at(0).held, kDescriptors)
      << "the pool has one for each, whatever the driver does";
  EXPECT_EQ(port->rx_buffers().held, std::nullopt) << "nothing is known before the start";
  port->start();
  EXPECT_EQ(port->rx_buffers().held, 0U) << "net_null holds none";
}

TEST_F(RxPoolHeld, ASoftwareDeviceThatHoldsNoneStartsWithFewBuffers) {
  driver.is_nic = false;
  FullPool few(receiving_pool(kDescriptors / 2));
  port.emplace(options(1500), few);
  EXPECT_EQ(error_of([&] { port->start(); }), "");
  port.reset();
}

TEST_F(RxPoolHeld, ASoftwareDeviceNeedsOneMoreThanItHolds) {
  driver.is_nic = false;
  driver.rings = 1;
  FullPool none_left(receiving_pool(kDescriptors));
  port.emplace(options(1500), none_left);
  EXPECT_THAT(error_of([&] { port->start(); }), HasSubstr("give the pool 33 buffers or more"));
  FullPool enough(receiving_pool(kDescriptors + 1));  // as the error's mend says
  port->reconfigure(1500, enough);
  EXPECT_EQ(error_of([&] { port->start(); }), "");
  EXPECT_EQ(port->rx_buffers().held, kDescriptors);
  port.reset();
}

TEST_F(RxPoolHeld, OthersBuffersOfTheSamePoolAreNotTheDrivers) {
  driver.rings = 1;
  FullPool shared(receiving_pool(kDescriptors + 80));
  port.emplace(options(1500), shared);
  std::vector<rte_mbuf*> others(40);
  ASSERT_TRUE(shared.try_acquire(others));
  EXPECT_EQ(error_of([&] { port->start(); }), "") << "they come back";
  EXPECT_EQ(port->rx_buffers().held, std::nullopt);
  port->stop();
  BufferPool::release(others);
  port->start();
  EXPECT_EQ(port->rx_buffers().held, kDescriptors);
  port.reset();
}

bool a_large_try_is_there() {
  bool found = false;
  rte_mempool_walk(
      [](rte_mempool* pool, void* seen) {
        if (std::strncmp(pool->name, "try_", 4) == 0 && pool->size > 64)
          *static_cast<bool*>(seen) = true;
      },
      &found);
  return found;
}

TEST_F(RxPoolHeld, MemoryOfTriesIsThereForThePool) {
  driver.uses = std::bit_floor<std::uint32_t>;
  const RxPoolMaker makes = maker();
  port.emplace(options(9000), [&](const RxPoolNeeds& needs) {
    if (a_large_try_is_there()) throw Error::from_code("creating a pool", ENOMEM);
    return makes(needs);
  });
  EXPECT_EQ(asked.at(0).data_room, 128 + 16'384) << "the best size all the same";
  EXPECT_THAT(port->made_pools(), testing::SizeIs(1));
  port->start();
}

TEST_F(RxPoolHeld, SmallerBuffersWhereThereIsNoMemoryForTheBest) {
  driver.uses = std::bit_floor<std::uint32_t>;
  const RxPoolMaker makes = maker();
  std::vector<std::uint16_t> sizes;
  port.emplace(options(9000), [&](const RxPoolNeeds& needs) {
    if (sizes.empty() || sizes.back() != needs.data_room) sizes.push_back(needs.data_room);
    if (needs.data_room > 10'000) throw Error::from_code("creating a pool", ENOMEM);
    return makes(needs);
  });
  EXPECT_THAT(sizes, ElementsAre(128 + 16'384, 128 + 10'240, 128 + 9216));
  port->start();
  EXPECT_EQ(port->rx_buffers().split, FrameSplit::kPossible);
}

TEST_F(RxPoolHeld, AnyOtherFailureToMakeThePoolIsOneAtOnce) {
  unsigned calls = 0;
  EXPECT_EQ(error_of([&] {
              port.emplace(options(9000), [&](const RxPoolNeeds&) -> std::shared_ptr<BufferPool> {
                ++calls;
                throw Error("no");
              });
            }),
            "no");
  EXPECT_EQ(calls, 1U);
}

// Settings that differ from those asked for.

TEST_F(RxPoolHeld, DescriptorsBeyondTheDevicesLimitsAreSaid) {
  driver.rx_limits = {
      .nb_max = 64, .nb_min = 16, .nb_align = 8, .nb_seg_max = 0, .nb_mtu_seg_max = 0};
  PortOptions o = options(1500);
  o.rx_descriptors = 1000;
  port.emplace(o, maker());
  EXPECT_EQ(port->rx_descriptors(), 64);
  EXPECT_THAT(port->notes(), ElementsAre(HasSubstr(
                                 "1000 RX descriptors asked for, a queue takes 16 to 64 in steps "
                                 "of 8; it has 64")));
  port->reconfigure(9000, maker());
  EXPECT_THAT(port->notes(), testing::SizeIs(1)) << "once";
}

TEST_F(RxPoolHeld, NothingIsSaidOfWhatIsAsAskedFor) { EXPECT_THAT(make(1500).notes(), IsEmpty()); }

TEST_F(RxPoolHeld, ARefusedPromiscuousModeIsSaid) {
  driver.promiscuous_error = EPERM;
  EXPECT_THAT(make(1500).notes(),
              ElementsAre(AllOf(HasSubstr("promiscuous"), HasSubstr("not permitted"),
                                HasSubstr("to its own address"))));
}

TEST_F(RxPoolHeld, APromiscuousModeThatIsAllowedLaterIsNoLongerRefused) {
  driver.has_promiscuous_mode = true;
  driver.promiscuous_error = EPERM;
  make(1500).start();
  const std::string said = port->notes().at(0);
  EXPECT_THAT(error_of([&] { port->set_promiscuous(true); }), Eq(said)) << "whoever asks";
  EXPECT_THAT(said, HasSubstr("allow the mode and set it again"));
  EXPECT_FALSE(port->promiscuous());
  driver.promiscuous_error = 0;  // as the error's mend says
  EXPECT_EQ(error_of([&] { port->set_promiscuous(true); }), "");
  EXPECT_TRUE(port->promiscuous());
  EXPECT_THAT(port->notes(), IsEmpty());
}

TEST_F(RxPoolHeld, ADeviceWithoutAPromiscuousModeReceivesWhatComes) {
  driver.promiscuous_error = ENOTSUP;
  EXPECT_THAT(make(1500).notes(), IsEmpty());
}

TEST_F(RxPoolHeld, SentencesNameNoProgramsOptions) {
  driver.offers_scatter = false;
  FullPool small(receiving_pool(64, 1000));
  EXPECT_THAT(error_of([&] { port.emplace(options(1500), small); }),
              AllOf(HasSubstr("1650"), HasSubstr("has 1000"), Not(HasSubstr("--"))));
}

}  // namespace
}  // namespace bab
