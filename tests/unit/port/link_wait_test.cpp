// How the start of a port waits for the link.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/port/port.hpp>

#include "full_pool.hpp"
#include "odd_driver.hpp"
#include "test_port.hpp"
#include "virtual_sleep.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::OddDriver;
using test::receiving_pool;
using test::VirtualSleep;

/// A NIC whose link is down, on a virtual clock.
class LinkWait : public testing::Test {
 protected:
  LinkWait() {
    driver_.link = [this] { return comes_up_at_s_ >= 0 && since_start() >= comes_up_at_s_; };
  }

  /// Virtual seconds since the last start. Each start begins autonegotiation anew.
  double since_start() {
    if (driver_.starts() != starts_) {
      starts_ = driver_.starts();
      started_at_s_ = sleep_.seconds();
    }
    return sleep_.seconds() - started_at_s_;
  }

  FullPool pool_{receiving_pool(8)};
  const test::Vdev device_{"net_null1"};
  OddDriver driver_{device_.id()};
  VirtualSleep sleep_;
  double comes_up_at_s_ = -1;
  unsigned starts_ = 0;
  double started_at_s_ = 0;
};

TEST_F(LinkWait, ALinkThatNeedsSecondsKeepsItsInterrupt) {
  driver_.tells_of_its_link = true;
  Port port({.id = device_.id()}, pool_);
  comes_up_at_s_ = 5;
  port.start();
  EXPECT_EQ(driver_.starts(), 1U) << "a second one would make the NIC begin anew";
  EXPECT_TRUE(port.has_link_interrupt());
  EXPECT_NEAR(sleep_.seconds(), 5, 0.11);
}

TEST_F(LinkWait, AnInterruptThatDoesNotGetThroughIsGivenUpLate) {
  driver_.tells_of_its_link = true;
  driver_.link = [this] { return !driver_.link_interrupt(); };
  Port port({.id = device_.id()}, pool_);
  port.start();
  EXPECT_EQ(driver_.starts(), 2U);
  EXPECT_FALSE(port.has_link_interrupt());
  EXPECT_GE(sleep_.seconds(), 7);
  EXPECT_LE(sleep_.seconds(), port.longest_link_wait_s() + 3);
}

TEST_F(LinkWait, AfterTheLastResortThereAreSecondsMore) {
  driver_.tells_of_its_link = true;
  driver_.link = [this] { return !driver_.link_interrupt() && since_start() >= 3; };
  Port port({.id = device_.id()}, pool_);
  port.start();
  EXPECT_FALSE(port.has_link_interrupt());
}

TEST_F(LinkWait, ALinkThatStaysDownIsNoFaultOfItsInterrupt) {
  driver_.tells_of_its_link = true;
  Port port({.id = device_.id()}, pool_);
  const unsigned longest = port.longest_link_wait_s();
  try {
    port.start();
    FAIL() << "started";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("stayed down for 12 s"));
  }
  EXPECT_EQ(longest, 12U);
  EXPECT_NEAR(sleep_.seconds(), longest, 0.11);
  EXPECT_FALSE(port.started());
  EXPECT_TRUE(port.has_link_interrupt());
  EXPECT_TRUE(driver_.link_interrupt());
  comes_up_at_s_ = 1;
  port.start();
  EXPECT_TRUE(port.has_link_interrupt());
}

TEST_F(LinkWait, WithoutAnInterruptItIsNineSeconds) {
  Port port({.id = device_.id()}, pool_);
  EXPECT_EQ(port.longest_link_wait_s(), 9U);
  EXPECT_THROW(port.start(), Error);
  EXPECT_EQ(driver_.starts(), 1U);
  EXPECT_NEAR(sleep_.seconds(), 9, 0.11);
}

// Two NICs, one at each end of a cable.
TEST_F(LinkWait, IsForAPeerThatIsStartedToo) {
  FullPool peers_pool{receiving_pool(8)};
  const test::Vdev peers_device{"net_null2"};
  Port port({.id = device_.id()}, pool_);
  Port peer({.id = peers_device.id()}, peers_pool);
  driver_.link = [&] { return peer.started(); };
  EXPECT_THROW(port.start(), Error) << "one after the other";
  port.begin_start();
  port.begin_start();
  peer.begin_start();
  const double before = sleep_.seconds();
  port.start();
  peer.start();
  EXPECT_EQ(sleep_.seconds(), before);
  EXPECT_EQ(driver_.starts(), 2U);
}

TEST_F(LinkWait, OfAPortWhoseDeviceIsStartedIsStillToCome) {
  Port port({.id = device_.id()}, pool_);
  port.begin_start();
  EXPECT_THROW(port.start(), Error) << "its link is down";
  EXPECT_FALSE(port.started());
  port.begin_start();
  port.stop();
  comes_up_at_s_ = 1;
  port.start();
  port.start();
  EXPECT_TRUE(port.started());
}

TEST_F(LinkWait, CanBeGivenUp) {
  Port port({.id = device_.id()}, pool_);
  unsigned asked = 0;
  port.start([&] { return ++asked == 30; });
  EXPECT_TRUE(port.started());
  EXPECT_NEAR(sleep_.seconds(), 3, 0.11);
}

}  // namespace
}  // namespace bab
