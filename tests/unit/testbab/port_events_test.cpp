#include "port_events.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include "driver_events.hpp"
#include "engine.hpp"
#include "stop_signals.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Engine kEngine{.name = "test",
                         .help = "",
                         .loopback_ports = 1,
                         .makes_messages = true,
                         .port_use = "a port",
                         .most_ports = 2,
                         .session = "TEST",
                         .make = nullptr};

Options few_buffers() {
  Options options;
  options.total_num_mbufs = 64;
  options.mbcache = 0;
  return options;
}

/// A loopback port whose driver asks for a reset. No NIC of the test machines does this by itself.
class PortReset : public testing::Test {
 protected:
  PortReset() { wiring_.start(); }
  ~PortReset() override {
    Summary summary;
    wiring_.close(summary);
    EXPECT_EQ(summary.leaked(), 0U);
  }

  void ask_and_reset() {
    bab::test::raise(port_.name(), RTE_ETH_EVENT_INTR_RESET);
    events_.look(say_, std::nullopt);
    said_.clear();
    events_.reset_ports(say_);
  }
  /// The reset fails: DPDK refuses to configure a started device.
  void make_it_fail() { (void)rte_eth_dev_start(port_.id()); }
  void let_it_succeed() { (void)rte_eth_dev_stop(port_.id()); }

  StopSignals signals_;
  const Options options_ = few_buffers();
  Wiring wiring_{options_, kEngine, 1, signals_};
  bab::Port& port_ = wiring_.port(0);
  PortEvents events_{wiring_};
  std::vector<std::string> said_;
  const PortEvents::Say say_ = [this](const std::string& text) { said_.push_back(text); };
};

TEST_F(PortReset, StartsAPortThatWasStarted) {
  ask_and_reset();
  EXPECT_TRUE(port_.started());
  EXPECT_THAT(said_, ElementsAre(HasSubstr("reset and started again")));
  EXPECT_FALSE(events_.ends_run());
}

TEST_F(PortReset, LeavesAPortStoppedThatTheUserStopped) {
  wiring_.stop(0);
  ask_and_reset();
  EXPECT_FALSE(port_.started());
  EXPECT_THAT(said_, ElementsAre(HasSubstr("reset; it is stopped, as it was")));
}

TEST_F(PortReset, OneThatFailsIsSaidAndEndsNothing) {
  wiring_.stop(0);
  make_it_fail();
  ask_and_reset();
  EXPECT_FALSE(port_.started());
  EXPECT_THAT(said_, ElementsAre(HasSubstr("asked for a reset, which failed: ")));
  EXPECT_FALSE(events_.ends_run()) << "it is not tried again and again";
  EXPECT_THAT(events_.end_fault(), HasSubstr("which failed"));
  let_it_succeed();
  ask_and_reset();
  EXPECT_THAT(said_, ElementsAre(HasSubstr("reset; it is stopped")));
  EXPECT_THAT(events_.end_fault(), IsEmpty());
}

}  // namespace
}  // namespace testbab
