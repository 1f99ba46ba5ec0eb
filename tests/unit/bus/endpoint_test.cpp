#include <bab/bus/endpoint.hpp>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_bus.hpp"

namespace bab {
namespace {

using test::refusal_of;

TEST(Endpoint, IsAnAddressAndAPort) {
  const Endpoint e = parse_endpoint("to", "239.1.2.3:65535");
  EXPECT_EQ(e.ip, 0xef010203U);
  EXPECT_EQ(e.port, 65535);
  EXPECT_EQ(endpoint_text(e), "239.1.2.3:65535");
}

TEST(Endpoint, RefusesWhateverElse) {
  for (const char* text :
       {"", ":", "239.1.1.1", "239.1.1.1:", "239.1.1.1:0", "239.1.1.1:65536", "239.1.1.1:-1",
        "239.1.1.1:1x", "239.1.1:1", "group:1", ":1", " 239.1.1.1:1", "239.1.1.1: 1"}) {
    const std::string refusal = refusal_of([&] { parse_endpoint("to", text); });
    EXPECT_THAT(refusal,
                testing::StartsWith("to: \"" + std::string(text) + "\" is no IPv4 address"))
        << text;
    EXPECT_THAT(refusal, testing::EndsWith("write it as in 239.1.1.1:30001"));
  }
}

}  // namespace
}  // namespace bab
