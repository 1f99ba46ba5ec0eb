#include "../../../src/base/device_arguments.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bab::detail {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::pair<std::string, std::string>> all_of(std::string_view arguments) {
  std::vector<std::pair<std::string, std::string>> all;
  for_each_device_argument(arguments, [&](std::string_view key, std::string_view value) {
    all.emplace_back(key, value);
  });
  return all;
}

TEST(DeviceArguments, AreBehindTheNameInOrder) {
  EXPECT_THAT(
      all_of("net_pcap0,rx_pcap=a.pcap,tx_iface=eth0,rx_pcap=b.pcap"),
      ElementsAre(Pair("rx_pcap", "a.pcap"), Pair("tx_iface", "eth0"), Pair("rx_pcap", "b.pcap")));
  EXPECT_THAT(all_of("iface=eth0"), ElementsAre(Pair("iface", "eth0")));  // as EAL stores them
}

TEST(DeviceArguments, OnlyTheFirstEqualsSignParts) {
  EXPECT_THAT(all_of("x,a=,=b,c=d=e,,f"),
              ElementsAre(Pair("a", ""), Pair("", "b"), Pair("c", "d=e")));
  EXPECT_THAT(all_of("net_null0"), IsEmpty());
  EXPECT_THAT(all_of(""), IsEmpty());
}

}  // namespace
}  // namespace bab::detail
