#include <chrono>
#include <memory>
#include <vector>

#include "echo_poller.hpp"
#include "engine_table.hpp"
#include "ledger_rows.hpp"
#include "ping_poller.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

/// Round trips from the first port. Where there is a second one, an echo stands there, on another
/// lcore: the way is out of the one, into the other and back. Without any port these are two with a
/// cable of rings between them. A single port needs a peer that answers: testbab's echo elsewhere,
/// any program that sends payloads back, or a loopback, which returns the very frames.
class Ping final : public Job {
 public:
  Ping(const Options& options, Wiring& wiring)
      : timeout_(options.ping_timeout_ms), pinger_(options, wiring, 0) {
    add_stage(pinger_);
    if (wiring.ports() == 1) return;
    echoes_ = make_echoes(options, wiring, 1);
    add_stage(echoes_);
  }

  [[nodiscard]] std::chrono::milliseconds patience() const override { return timeout_; }

  [[nodiscard]] std::optional<Latency> latency() const override { return pinger_.latency(); }

  void sum_up(Summary& summary) const override {
    pinger_.sum_up(summary);
    // What the echo lost didn't come back: it is counted already.
    const std::uint64_t lost = summary.bus.lost;
    for (const auto& echo : echoes_) echo->sum_up(summary);
    summary.bus.lost = lost;
    add_frames_row(summary);
  }

 private:
  std::chrono::milliseconds timeout_;
  PingPoller pinger_;
  std::vector<std::unique_ptr<EchoPoller>> echoes_;
};

}  // namespace

constinit const Engine kPingEngine{
    .name = "ping",
    .help = "measure round trips, at --rate, of messages that echo or a loopback returns",
    .loopback_ports = 2,
    .makes_messages = true,
    .port_use = "a port to send and receive on",
    .most_ports = 2,
    .session = "BABPING",
    .make = make_job<Ping>,
    .require = PingPoller::require};

}  // namespace testbab
