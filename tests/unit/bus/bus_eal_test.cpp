// Where a Bus gets EAL from. Each test runs in a child process, because a process can initialise
// EAL only once.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>

#include <bab/base/error.hpp>
#include <bab/bus/bus.hpp>

#include "in_child.hpp"

namespace bab::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

BusOptions bus_of_a_child() {
  BusOptions o;
  o.ports = {{.device = "loopback", .mtu = 1500, .writers = 1, .backlog = 32}};
  o.cache = 0;
  return o;
}

std::string hello_over(Bus& bus) {
  auto out = bus.publish({.session = "HELLO", .to = "239.1.1.1:30001"});
  auto in = bus.subscribe({.from = "239.1.1.1:30001", .backlog = 32});
  out.send("hello");
  return std::string(in.next().text());
}

TEST(BusEal, IsTheEmbeddedOneWhereThereIsNone) {
  const Said said = in_child([] {
    Bus bus(bus_of_a_child());
    return hello_over(bus);
  });
  EXPECT_EQ(said.result, "hello");
  EXPECT_EQ(said.output, "");
}

TEST(BusEal, IsStartedByItsArguments) {
  const Said said = in_child([] {
    BusOptions o = bus_of_a_child();
    o.eal = plain_and({"--vdev=net_null7"});
    o.ports.push_back({.device = "net_null7", .writers = 1, .backlog = 32});
    Bus bus(o);
    return hello_over(bus) + ' ' + std::to_string(bus.port(1).id());
  });
  EXPECT_THAT(said.result, StartsWith("hello "));
}

TEST(BusEal, OptionsAreLookedAtBeforeItIsStarted) {
  const Said said = in_child([] {
    BusOptions o = bus_of_a_child();
    o.stop_ms = 0;
    std::string result;
    try {
      Bus bus(o);
    } catch (const Error& e) {
      result = e.what();
    }
    return result + ' ' + std::to_string(rte_lcore_count());
  });
  EXPECT_THAT(said.result, HasSubstr("stop_ms is 0"));
  EXPECT_THAT(said.result, testing::EndsWith(" 0"));
}

TEST(BusEal, IsTheHostsWhereItHasOne) {
  const Said said = in_child([] {
    if (!init_eal(kPlain)) return std::string("no EAL");
    std::string result;
    {
      Bus bus(bus_of_a_child());
      result = hello_over(bus);
    }
    // EAL still belongs to the host.
    return result + ' ' + std::to_string(rte_lcore_count()) + ' ' +
           std::to_string(rte_eal_cleanup());
  });
  EXPECT_EQ(said.result, "hello 3 0");
}

TEST(BusEal, GoesWithTheLastOfSeveral) {
  const Said said = in_child([] {
    auto first = std::make_unique<Bus>(bus_of_a_child());
    auto second = std::make_unique<Bus>(bus_of_a_child());
    std::string result = hello_over(*first);
    first.reset();
    auto third = std::make_unique<Bus>(bus_of_a_child());
    second.reset();
    result += ' ' + hello_over(*third);
    third.reset();
    try {
      Bus fourth(bus_of_a_child());
      result += " and a fourth";
    } catch (const Error& e) {
      result += std::string(" ") + e.what();
    }
    return result;
  });
  EXPECT_THAT(said.result, StartsWith("hello hello "));
  EXPECT_THAT(said.result,
              HasSubstr("EAL was cleaned up, and a process can initialise it only once"));
}

/// Makes a Bus that can't be made, and returns why not.
std::string refused(const BusOptions& options) {
  try {
    Bus bus(options);
  } catch (const Error& e) {
    return e.what();
  }
  return "it was made";
}

TEST(BusEal, StaysForTheNextBusWhereOneCanNotBeMade) {
  const Said said = in_child([] {
    BusOptions mistyped = bus_of_a_child();
    mistyped.ports[0] = {.device = "net_typo0"};
    std::string result = refused(mistyped);
    {
      Bus right(bus_of_a_child());
      result += " / " + hello_over(right);
    }
    return result + " / " + refused(bus_of_a_child());
  });
  EXPECT_THAT(said.result,
              testing::MatchesRegex("ports.0.: EAL has no device net_typo0.* / hello / .*EAL was "
                                    "cleaned up.*"));
}

TEST(BusEal, IsGivenItsArgumentsAgainWhereABusCanNotBeMade) {
  const Said said = in_child([] {
    BusOptions o = bus_of_a_child();
    o.eal = plain_and({"--vdev=net_null7"});
    o.ports.push_back({.device = "net_null8", .writers = 1, .backlog = 32});
    std::string result = refused(o);
    o.ports[1].device = "net_null7";
    BusOptions others = o;
    others.eal = plain_and({"--vdev=net_null8"});
    result += " / " + refused(others);
    Bus right(o);
    return result + " / " + hello_over(right);
  });
  EXPECT_THAT(
      said.result,
      testing::MatchesRegex(".*EAL has no device net_null8.* / BusOptions::eal: EAL runs already, "
                            "with other arguments.* / hello"));
}

TEST(BusEal, IsForAThreadThatIsAnLcore) {
  const Said said = in_child([] {
    Bus first(bus_of_a_child());
    RTE_PER_LCORE(_lcore_id) = LCORE_ID_ANY;  // makes this thread one that EAL doesn't know
    std::string result;
    try {
      Bus second(bus_of_a_child());
    } catch (const Error& e) {
      result = e.what();
    }
    RTE_PER_LCORE(_lcore_id) = 0;
    return result;
  });
  EXPECT_THAT(said.result, HasSubstr("this thread is no lcore"));
}

/// The child has a copy of the parent's Bus. What its destructor would take from the rings, the
/// parent could not read any more.
TEST(BusEal, IsLeftAloneInAChildOfFork) {
  const Said said = in_child([] {
    BusOptions o = bus_of_a_child();
    o.eal = kPlain;  // such memory is shared by the two processes
    auto bus = std::make_unique<Bus>(o);
    auto out = bus->publish({.session = "FORK", .to = "239.1.1.1:30001", .flush_messages = 1});
    auto in = bus->subscribe({.from = "239.1.1.1:30001", .backlog = 32});
    for (int i = 0; i < 3; ++i) out.send("x");
    bus->turn(rte_rdtsc());
    const auto began = std::chrono::steady_clock::now();
    if (const pid_t child = fork(); child == 0) {
      bus.reset();
      _exit(std::chrono::steady_clock::now() - began < std::chrono::seconds(10) ? 0 : 1);
    } else {
      int status = -1;
      waitpid(child, &status, 0);
      int read = 0;
      while (in.next()) ++read;
      for (int i = 0; i < 3; ++i) out.send("y");
      while (in.next()) ++read;
      return fmt::format("status {}, read {}", status, read);
    }
  });
  EXPECT_EQ(said.result, "status 0, read 6");
}

TEST(BusEal, IsLeftAloneWhenTheHostHasCleanedUp) {
  const Said said = in_child([] {
    if (!init_eal(kPlain)) return std::string("no EAL");
    {
      Bus bus(bus_of_a_child());
      auto out = bus.publish({.session = "LATE", .to = "239.1.1.1:30001"});
      auto in = bus.subscribe({.from = "239.1.1.1:30001", .backlog = 32});
      out.send("never sent");
      (void)in;
      rte_eal_cleanup();
    }
    return std::string("gone");
  });
  EXPECT_EQ(said.result, "gone");
  EXPECT_EQ(said.status, 0);
}

}  // namespace
}  // namespace bab::test
