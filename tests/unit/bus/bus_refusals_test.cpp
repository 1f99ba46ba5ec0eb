// Refusals of a Bus: each is a sentence with its mend, and leaves nothing behind.
#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_mempool.h>

#include <bab/bus/bus.hpp>

#include "../port/test_port.hpp"
#include "test_bus.hpp"

namespace bab {
namespace {

using test::kGroup;
using test::refusal_of;
using test::small_bus;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string refusal(const std::function<void(BusOptions&)>& change) {
  BusOptions options = small_bus();
  change(options);
  return refusal_of([&] { Bus bus(options); });
}

unsigned mempools() {
  unsigned n = 0;
  rte_mempool_walk([](rte_mempool*, void* count) { ++*static_cast<unsigned*>(count); }, &n);
  return n;
}

TEST(BusRefuses, OptionsThatCanNotBe) {
  const unsigned before = mempools();
  const std::size_t ports = port_ids().size();
  const std::vector<std::pair<std::string, std::function<void(BusOptions&)>>> cases{
      {"a Bus needs a port, and BusOptions::ports has none; give it {.device = \"loopback\"}",
       [](BusOptions& o) { o.ports.clear(); }},
      {"ports[0].device is empty; give \"loopback\"",
       [](BusOptions& o) { o.ports[0].device = ""; }},
      {"ports[0] (loopback): writers is 0, and may be 1 to 4096",
       [](BusOptions& o) { o.ports[0].writers = 0; }},
      {"ports[0] (loopback): backlog is 0, and may be 1 to 1048576",
       [](BusOptions& o) { o.ports[0].backlog = 0; }},
      {"ports[0] (loopback): rx_queues is 17, and may be 1 to 16",
       [](BusOptions& o) { o.ports[0].rx_queues = 17; }},
      {"ports[0] (loopback): tx_queues is 0, and may be 1 to 16",
       [](BusOptions& o) { o.ports[0].tx_queues = 0; }},
      {"ports[0] (loopback): mtu is 40000, and may be 68 to 32746",
       [](BusOptions& o) { o.ports[0].mtu = 40'000; }},
      {"ports[0] (loopback): the bus makes a loopback itself, and no host has queues of it",
       [](BusOptions& o) { o.ports[0].host = HostQueues{}; }},
      {"ports[1]: EAL has no device net_nonesuch0; it has",
       [](BusOptions& o) { o.ports.push_back({.device = "net_nonesuch0"}); }},
      {"ports[1] and ports[2] are both net_x; a device is one port of a bus",
       [](BusOptions& o) {
         o.ports.push_back({.device = "net_x"});
         o.ports.push_back({.device = "net_x"});
       }},
      {"BusOptions::cache is 513, and may be 0 to 512", [](BusOptions& o) { o.cache = 513; }},
      {"BusOptions::stop_ms is 9, and may be 10 to 600000", [](BusOptions& o) { o.stop_ms = 9; }},
      {"BusOptions::lcores names 2 twice",
       [](BusOptions& o) {
         o.lcores = {2, 2};
       }},
      {"BusOptions::lcores names 77, which is no worker lcore; EAL has 1, 2, 3",
       [](BusOptions& o) { o.lcores = {77}; }},
      {"BusOptions::lcores names 0, which is no worker lcore",
       [](BusOptions& o) { o.lcores = {0}; }},
      {"starting EAL: this process has an EAL", [](BusOptions& o) { o.eal.emplace(); }},
  };
  const test::Vdev null("net_null_refusals");  // a device that the cases can name
  for (const auto& [begin, change] : cases) EXPECT_THAT(refusal(change), StartsWith(begin));
  EXPECT_EQ(mempools(), before);
  EXPECT_EQ(port_ids().size(), ports + 1);
}

TEST(BusRefuses, ADeviceThatCanNotDoIt) {
  const unsigned before = mempools();
  const test::Vdev null("net_null_refusals");
  const auto with = [](const std::function<void(BusPort&)>& change) {
    return refusal([&](BusOptions& o) {
      // The refused port is the second one. The first port isn't made either.
      change(o.ports.emplace_back(BusPort{.device = "net_null_refusals"}));
    });
  };
  EXPECT_THAT(with([](BusPort& p) { p.mtu = 65'500; }),
              StartsWith("ports[1] (net_null_refusals): mtu is 65500, and may be "));
  EXPECT_THAT(with([](BusPort& p) { p.rx_queues = 5'000; }),
              StartsWith("ports[1] (net_null_refusals): rx_queues is 5000, and the device has "));
  EXPECT_THAT(with([](BusPort& p) { p.tx_checksum = ChecksumChoice::kHw; }),
              HasSubstr("net_null_refusals"));
  EXPECT_EQ(mempools(), before);
}

TEST(BusRefuses, ADeviceOfAnotherBus) {
  const test::Vdev null("net_null_refusals");
  const auto options = [] {
    BusOptions o = small_bus();
    o.ports[0].device = "net_null_refusals";
    return o;
  };
  Bus first(options());
  EXPECT_THAT(refusal_of([&] { Bus second(options()); }), HasSubstr("net_null_refusals"));
  EXPECT_THAT(refusal_of([&] {
                BusOptions o = small_bus();
                o.eal.emplace();
                Bus second(o);
              }),
              StartsWith("BusOptions::eal: another Bus of this process has EAL already"));
}

TEST(BusRefuses, WhatCanNotBePublished) {
  const test::Vdev null("net_null_refusals");
  BusOptions options = small_bus();
  options.ports.push_back({.device = "net_null_refusals", .writers = 1});
  Bus bus(options);
  (void)bus.publish({.session = "THERE", .to = kGroup});
  const auto refused = [&](const PublishOptions& o) {
    return refusal_of([&] { (void)bus.publish(o); });
  };
  EXPECT_THAT(refused({.port = 2, .to = kGroup}),
              HasSubstr("there is no port 2; the bus has 2, counted from 0"));
  EXPECT_THAT(refused({.to = "nowhere"}),
              StartsWith("publishing to nowhere: to: \"nowhere\" is no"));
  EXPECT_THAT(refused({.to = kGroup, .from = "1.2.3.4"}), HasSubstr("from: \"1.2.3.4\" is no"));
  EXPECT_THAT(
      refused({.session = "ELEVENLETTR", .to = kGroup}),
      HasSubstr("session \"ELEVENLETTR\" is 11 characters long, and MoldUDP64 has 1 to 10"));
  EXPECT_THAT(refused({.session = "BELL\a", .to = kGroup}), HasSubstr("printable ASCII"));
  EXPECT_THAT(refused({.session = "THERE", .to = kGroup}),
              StartsWith("session THERE to 239.1.1.1:30001, port 0: it is published already"));
  EXPECT_THAT(refused({.to = kGroup, .vlan = std::uint16_t{4095}}),
              HasSubstr("vlan is 4095, and may be 0 to 4094"));
  EXPECT_THAT(refused({.to = kGroup, .ttl = 0}), HasSubstr("ttl is 0, and may be 1 to 255"));
  EXPECT_THAT(refused({.port = 1, .to = "10.0.0.1:5"}),
              HasSubstr("10.0.0.1:5 is no group (224.0.0.0 to 239.255.255.255)"));
  EXPECT_THAT(refused({.to = kGroup, .flush_messages = 65'535}),
              HasSubstr("flush_messages is 65535, and may be 0 to 65534"));
  EXPECT_THAT(refused({.to = kGroup, .flush_us = 60'000'001}), HasSubstr("flush_us is 60000001"));
  EXPECT_THAT(refused({.to = kGroup, .lcore = 9}),
              HasSubstr("lcore 9 is none of the bus's workers (1, 2, 3)"));
  EXPECT_THAT(refused({.to = kGroup, .tx_queue = std::uint16_t{1}}),
              HasSubstr("tx_queue is 1, and ports[0] (loopback) has 1, counted from 0"));
  EXPECT_THAT(refused({.to = kGroup, .lcore = 1}),
              HasSubstr("other lcores send on all 1 TX queues of ports[0] (loopback); raise its "
                        "tx_queues, or place the flusher on the thread that made the bus"));
  EXPECT_THAT(refused({.to = kGroup, .lcore = 1, .tx_queue = std::uint16_t{0}}),
              HasSubstr("TX queue 0 of ports[0] (loopback) is sent on by the thread that made the "
                        "bus already"));
  (void)bus.publish({.port = 1, .to = kGroup});
  EXPECT_THAT(
      refused({.port = 1, .to = kGroup}),
      HasSubstr("2 writers would be on ports[1] (net_null_refusals), whose pool is made for "
                "1; raise its writers"));
  EXPECT_THAT(refusal_of([&] { (void)bus.publish({.to = kGroup}, {}); }),
              HasSubstr("no lcore is named"));
  EXPECT_THAT(refused({.to = kGroup, .lcore = RunOn::kWithIt}),
              HasSubstr("lcore is RunOn::kWithIt, which only flusher_lcore and rx_lcore can be; "
                        "name a worker lcore, RunOn::kWorker or RunOn::kHere"));
  EXPECT_THAT(refusal_of([&] {
                (void)bus.publish({.to = kGroup}, std::array<unsigned, 2>{2, 77});
              }),
              HasSubstr("lcore 77 is none of the bus's workers"));
  // The refused calls left nothing behind: no rows, no loops, and no lcores that are taken.
  EXPECT_EQ(bus.placement().rows.size(), 4U);
  Bus other(small_bus());
  for (const unsigned lcore : {1U, 2U}) {
    EXPECT_THAT(refusal_of([&] { (void)bus.lcore(lcore); }), HasSubstr("has nothing there"));
    EXPECT_EQ(other
                  .publish({.session = "OTHER" + std::to_string(lcore),
                            .to = kGroup,
                            .lcore = lcore,
                            .flusher_lcore = 1})
                  .lcore(),
              lcore);
  }
  test::expect_clean_stop(other);
  auto out = bus.publish({.session = "AFTER", .to = kGroup});
  EXPECT_TRUE(out.send("after"));
  test::expect_clean_stop(bus);
}

TEST(BusRefuses, WhatCanNotBeSubscribedTo) {
  Bus bus(small_bus());
  (void)bus.subscribe({.from = kGroup, .backlog = 100});
  const auto refused = [&](const SubscribeOptions& o) {
    return refusal_of([&] { (void)bus.subscribe(o); });
  };
  EXPECT_THAT(refused({.port = 1, .from = kGroup}), HasSubstr("there is no port 1"));
  EXPECT_THAT(refused({.from = "239.1.1.1"}), HasSubstr("is no IPv4 address with a UDP port"));
  EXPECT_THAT(refused({.from = kGroup, .backlog = 8}),
              HasSubstr("this Bus subscribes to it on port 0 already"));
  EXPECT_THAT(
      refused({.from = "239.1.1.2:1", .backlog = 29}),
      HasSubstr("a backlog of 29 frames is asked for, and of the 128 of ports[0] (loopback) "
                "there are 28 left"));
  EXPECT_THAT(refused({.from = "239.1.1.2:1", .backlog = 0}), HasSubstr("a backlog of 0 frames"));
  EXPECT_THAT(refused({.from = "239.1.1.2:1", .vlan = std::uint16_t{5000}, .backlog = 8}),
              HasSubstr("vlan is 5000"));
  EXPECT_THAT(refused({.from = "239.1.1.2:1", .session = "ELEVENLETTR", .backlog = 8}),
              HasSubstr("is 11 characters long"));
  EXPECT_THAT(refused({.from = "239.1.1.2:1", .backlog = 8, .rx_lcore = 2}),
              HasSubstr("ports[0] (loopback) is polled by the thread that made the bus already"));
  EXPECT_THAT(refused({.from = "239.1.1.2:1", .backlog = 8, .lcore = 0}),
              HasSubstr("lcore 0 is none of the bus's workers (1, 2, 3)"));
  EXPECT_THAT(refused({.from = "239.1.1.2:1", .backlog = 8, .lcore = 3, .rx_lcore = 2}),
              HasSubstr("is polled by the thread that made the bus already"));
  EXPECT_THAT(refused({.from = "239.1.1.2:1", .backlog = 8, .lcore = RunOn::kWithIt}),
              HasSubstr("lcore is RunOn::kWithIt"));
  EXPECT_THAT(refusal_of([&] { (void)bus.lcore(3); }), HasSubstr("has nothing there"));
  EXPECT_EQ(bus.placement().rows.size(), 2U);
  test::expect_clean_stop(bus);
}

TEST(BusRefuses, WorkersThatThereAreNotEnoughOf) {
  Bus first(small_bus());
  Bus second(small_bus());
  for (unsigned lcore = 1; lcore <= 3; ++lcore)
    (void)first.subscribe(
        {.from = "239.1.1." + std::to_string(lcore) + ":1", .backlog = 8, .lcore = lcore});
  EXPECT_THAT(
      refusal_of([&] { (void)second.subscribe({.from = kGroup, .lcore = RunOn::kWorker}); }),
      AllOf(HasSubstr("no worker lcore is free for it"), HasSubstr("RunOn::kHere")));
  EXPECT_THAT(refusal_of([&] { (void)second.tx_plan(1); }),
              HasSubstr("this Bus has 1, counted from 0"));
}

}  // namespace
}  // namespace bab
