// Errors of a driver that refuses to start, and whether the mends that they name work.
#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/port/port.hpp>

#include "odd_port.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::kDescriptors;
using test::receiving_pool;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::uint16_t kQueues = 2;

/// A driver that wants a buffer for each descriptor of two queues, and a pool with fewer buffers.
class RefusedStart : public test::OddPort {
 protected:
  RefusedStart() {
    driver.rings = 1;
    driver.wants_full_rings = true;
  }
  ~RefusedStart() override { port.reset(); }

  [[nodiscard]] PortOptions two_queues() const {
    PortOptions o = options(1500);
    o.rx_queues = kQueues;
    return o;
  }
  std::string start() {
    return error_of([&] { port->start(); });
  }

  FullPool few_{receiving_pool(kQueues * kDescriptors - 1)};
};

TEST_F(RefusedStart, ForLackOfBuffersNamesThePoolAndTheMends) {
  port.emplace(two_queues(), few_);
  EXPECT_THAT(start(), AllOf(HasSubstr("starting: Cannot allocate memory"),
                             HasSubstr("its driver says: RX mbuf alloc failed"),
                             HasSubstr("give pool " + few_.name() + " more buffers (it has 63)"),
                             HasSubstr("or the port fewer or shorter RX queues")));
  EXPECT_FALSE(port->started());
  EXPECT_EQ(few_.available(), few_.size());
  EXPECT_THAT(start(), HasSubstr("starting: ")) << "nothing has changed";
}

TEST_F(RefusedStart, IsMendedByMoreBuffers) {
  port.emplace(two_queues(), few_);
  ASSERT_NE(start(), "");
  FullPool more(receiving_pool(kQueues * kDescriptors + 64));
  port->reconfigure(1500, more);
  EXPECT_EQ(start(), "");
  EXPECT_TRUE(port->started());
  port.reset();
}

TEST_F(RefusedStart, IsMendedByFewerQueues) {
  port.emplace(options(1500), few_);
  EXPECT_EQ(start(), "");
  EXPECT_EQ(few_.available(), kDescriptors - 1U);
}

TEST_F(RefusedStart, IsMendedByShorterQueues) {
  PortOptions shorter = two_queues();
  shorter.rx_descriptors = kDescriptors / 4;
  port.emplace(shorter, few_);
  EXPECT_EQ(start(), "");
}

}  // namespace
}  // namespace bab
