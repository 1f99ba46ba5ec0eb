#include "engine_ping.hpp"

#include "echo_poller.hpp"
#include "ping_poller.hpp"
#include "receiver.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

/// Round trips from the first port. Where there is a second one, an echo stands there, on another
/// lcore: the way is out of the one, into the other and back. Without any port these are two with a
/// cable of rings between them. A single port needs somebody who answers: testbab's echo elsewhere,
/// any program that sends payloads back, or a loopback, which returns the very frames.
class Ping final : public Job {
 public:
  Ping(const Options& options, Wiring& wiring) {
    stages.emplace_back().push_back(std::make_unique<PingPoller>(options, wiring, 0));
    if (wiring.ports() > 1) stages.push_back(make_echoes(options, wiring, 1));
  }

  [[nodiscard]] std::optional<Latency> latency() const override { return pinger().latency(); }

  void sum_up(Summary& summary) const override {
    pinger().sum_up(summary);
    // What the echo lost didn't come back: it is counted already.
    const std::uint64_t lost = summary.bus.lost;
    if (stages.size() > 1)
      for (const auto& p : stages[1]) static_cast<const EchoPoller&>(*p).sum_up(summary);
    summary.bus.lost = lost;
    add_frames_row(summary);
  }

 private:
  [[nodiscard]] const PingPoller& pinger() const {
    return static_cast<const PingPoller&>(*stages[0][0]);
  }
};

}  // namespace

std::unique_ptr<Job> make_ping(const Options& options, Wiring& wiring) {
  return std::make_unique<Ping>(options, wiring);
}

}  // namespace testbab
