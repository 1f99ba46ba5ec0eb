#include "sender.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine.hpp"
#include "generator.hpp"
#include "stop_signals.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

constexpr unsigned kBurst = 8;

constexpr Engine kSendingEngine{.name = "test",
                                .help = "",
                                .loopback_ports = 1,
                                .makes_messages = true,
                                .port_use = "a port",
                                .most_ports = 1,
                                .session = "TEST",
                                .make = nullptr};

struct HowItSends {
  const char* name;
  PayloadPart payload;
  std::uint32_t size;
  unsigned flush_messages;
};

Options sending(const HowItSends& how) {
  Options options;
  options.total_num_mbufs = 256;
  options.mbcache = 0;
  options.burst = kBurst;
  options.payload = how.payload;
  options.sizes = MessageSizes(how.size);
  options.flush_messages = how.flush_messages;
  return options;
}

/// A sender whose port takes nothing. Everything that the sender writes therefore stays.
class HeldSender : public testing::TestWithParam<HowItSends> {
 protected:
  HeldSender() {
    wiring_.start();
    wiring_.port(0).hold(true);
    sender_ = std::make_unique<Generator>(options_, wiring_, 0, 0, std::uint64_t{0}, TokenBucket{});
  }
  ~HeldSender() override {
    while (!sender_->finished()) sender_->poll(kNow, Poller::Phase::kAbandon);
    sender_.reset();
    Summary summary;
    wiring_.close(summary);
    EXPECT_EQ(summary.leaked(), 0U);
  }
  void turn() { sender_->poll(kNow, Poller::Phase::kRun); }

  static constexpr std::uint64_t kNow = 1000;  // no frame's deadline passes
  StopSignals signals_;
  const Options options_ = sending(GetParam());
  Wiring wiring_{options_, kSendingEngine, 1, signals_};
  std::unique_ptr<Generator> sender_;
};

TEST_P(HeldSender, WritesUntilABurstOfFramesWaits) {
  std::uint64_t most = 0;
  for (int i = 0; i < 500; ++i) {
    turn();
    most = std::max(most, sender_->ring().used);
  }
  EXPECT_EQ(most, kBurst) << "frames that wait beside those that the flusher has";
  // The waiting frames, those of the flusher, and the writer's open and spare buffers.
  EXPECT_LE(wiring_.tx_pool(0).in_use(), 2 * kBurst + 2);
}

INSTANTIATE_TEST_SUITE_P(
    Of, HeldSender,
    testing::Values(HowItSends{"SmallMessages", PayloadPart::kAll, 32, 0},
                    HowItSends{"LargeMessages", PayloadPart::kAll, 1000, 0},
                    // Only 8 bytes of each message are written, but all of its bytes fill frames.
                    HowItSends{"MessagesThatAreOnlyNumbered", PayloadPart::kNumber, 1000, 0},
                    HowItSends{"AMessageAFrame", PayloadPart::kAll, 32, 1}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace testbab
