#include "receiving_poller.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "engine.hpp"
#include "flow_checker.hpp"
#include "made_frame.hpp"
#include "receiver.hpp"
#include "stop_signals.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

using bab::test::MadeFrame;
using Phase = Poller::Phase;

constexpr Engine kReceivingEngine{.name = "test",
                                  .help = "",
                                  .loopback_ports = 1,
                                  .makes_messages = true,
                                  .port_use = "a port",
                                  .most_ports = 1,
                                  .session = "TEST",
                                  .make = nullptr};

constexpr std::string_view kOurs = "OURS......", kTheirs = "STRANGER..";

Options receiving() {
  Options options;
  options.total_num_mbufs = 256;
  options.mbcache = 0;
  return options;
}

std::unique_ptr<ReceivingPoller> make_receiver(const Options& options, Wiring& wiring) {
  return std::make_unique<Receiver>(options, framer_options(options, wiring, 0),
                                    wiring.rx_queues(0), true);
}
std::unique_ptr<ReceivingPoller> make_flow_checker(const Options& options, Wiring& wiring) {
  return std::make_unique<FlowChecker>(options, framer_options(options, wiring, 0),
                                       wiring.rx_queues(0));
}

struct Kind {
  const char* name;
  std::unique_ptr<ReceivingPoller> (*make)(const Options&, Wiring&);
};

/// A poller on a loopback port, with a clock that the test moves.
class ReceivingPollerTest : public testing::TestWithParam<Kind> {
 protected:
  ReceivingPollerTest() {
    wiring_.start();
    poller_ = GetParam().make(options_, wiring_);
    poller_->judge_only({bab::wire::make_session("A"), bab::wire::make_session(kOurs)});
  }
  ~ReceivingPollerTest() override {
    poller_.reset();
    Summary summary;
    wiring_.close(summary);
    EXPECT_EQ(summary.leaked(), 0U);
  }

  void send(std::string_view session, std::size_t messages) {
    MadeFrame made;
    made.session = session;
    made.sequence = std::exchange(next_sequence_, next_sequence_ + messages);
    made.messages.assign(messages, bab::test::bytes_of("message"));
    const bab::test::Bytes bytes = made.bytes();
    rte_mbuf* frame = wiring_.tx_pool(0).try_acquire();
    ASSERT_NE(frame, nullptr);
    std::copy(bytes.begin(), bytes.end(), rte_pktmbuf_mtod(frame, std::uint8_t*));
    frame->data_len = static_cast<std::uint16_t>(bytes.size());
    frame->pkt_len = frame->data_len;
    ASSERT_EQ(rte_eth_tx_burst(wiring_.port(0).id(), 0, &frame, 1), 1);
  }

  /// One turn, `seconds` after the poller was asked to finish.
  void turn_at(double seconds, Phase phase = Phase::kFinish) {
    poller_->poll(
        kAsked + static_cast<std::uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz())),
        phase);
  }

  /// When the poller finishes, in seconds. There is a turn every 10 ms of virtual time, and
  /// `before` is called before each turn.
  double finishes_at(const std::function<void(double)>& before) {
    for (int i = 0; i < 1000; ++i) {
      const double seconds = i / 100.0;
      before(seconds);
      turn_at(seconds);
      if (poller_->finished()) return seconds;
    }
    return 10;
  }

  static constexpr std::uint64_t kAsked = 1000;
  StopSignals signals_;
  const Options options_ = receiving();
  Wiring wiring_{options_, kReceivingEngine, 1, signals_};
  std::unique_ptr<ReceivingPoller> poller_;
  std::uint64_t next_sequence_ = 1;
};

TEST_P(ReceivingPollerTest, FinishesWhenAllThatWasSentHasCome) {
  send(kOurs, 3);
  turn_at(-1, Phase::kRun);
  poller_->expect(5);
  turn_at(0);
  EXPECT_FALSE(poller_->finished());
  send(kOurs, 2);
  turn_at(0.4);
  EXPECT_TRUE(poller_->finished());
}

TEST_P(ReceivingPollerTest, WaitsForItsOwnWhateverStrangersSentBefore) {
  send(kTheirs, 3);
  send(kOurs, 3);
  turn_at(-1, Phase::kRun);
  poller_->expect(5);
  turn_at(0);
  EXPECT_FALSE(poller_->finished());
  EXPECT_EQ(poller_->own(), 3U);
  EXPECT_EQ(poller_->foreign(), 3U);
  send(kOurs, 2);
  turn_at(0.4);
  EXPECT_TRUE(poller_->finished());
}

TEST_P(ReceivingPollerTest, WaitsNoLongerWhileOnlyStrangersFramesCome) {
  poller_->expect(1000);
  const double at = finishes_at([this](double) {
    send(kTheirs, 0);  // a heartbeat
    send(kTheirs, 1);
  });
  EXPECT_NEAR(at, 0.5, 0.02);
  EXPECT_EQ(poller_->progress(), 0U);
}

TEST_P(ReceivingPollerTest, WaitsNoLongerForHeartbeatsInItsOwnSession) {
  poller_->expect(1000);
  EXPECT_NEAR(finishes_at([this](double) { send(kOurs, 0); }), 0.5, 0.02);
}

TEST_P(ReceivingPollerTest, WaitsAsLongAsItsOwnMessagesCome) {
  poller_->expect(1000);
  const auto every_400_ms_for_2_s = [this](double seconds) {
    send(kTheirs, 1);
    if (seconds < 2.01 && static_cast<int>(seconds * 100 + 0.5) % 40 == 0) send(kOurs, 1);
  };
  EXPECT_NEAR(finishes_at(every_400_ms_for_2_s), 2.5, 0.02);
  EXPECT_EQ(poller_->progress(), 6U);
}

TEST_P(ReceivingPollerTest, WaitsATenthOfASecondForAnEmptyQueueWhereNothingIsExpected) {
  EXPECT_NEAR(finishes_at([this](double) { send(kTheirs, 1); }), 0.1, 0.02);
}

TEST_P(ReceivingPollerTest, FinishesAtOnceWhenItIsAbandoned) {
  poller_->expect(1000);
  send(kOurs, 1);
  turn_at(0, Phase::kAbandon);
  EXPECT_TRUE(poller_->finished());
}

INSTANTIATE_TEST_SUITE_P(Of, ReceivingPollerTest,
                         testing::Values(Kind{"Receiver", make_receiver},
                                         Kind{"FlowChecker", make_flow_checker}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace testbab
