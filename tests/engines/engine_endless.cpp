#include "more_engines.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

/// Makes progress without end and ignores requests to stop, until it is abandoned.
class EndlessPoller final : public Poller {
 public:
  EndlessPoller() : Poller(Direction::kTx) {}

  unsigned poll(std::uint64_t, Phase phase) noexcept override {
    turns_ += 1;
    if (phase == Phase::kAbandon) finish();
    return 1;
  }
  [[nodiscard]] std::uint64_t progress() const noexcept override { return turns_; }

 private:
  bab::Counter turns_;
};

class Endless final : public Job {
 public:
  Endless(const Options&, Wiring&) { add_stage(poller_); }
  void sum_up(Summary&) const override {}

 private:
  EndlessPoller poller_;
};

}  // namespace

constinit const Engine kEndlessEngine{.name = "endless",
                                      .help = "never get to an end",
                                      .loopback_ports = 1,
                                      .makes_messages = false,
                                      .port_use = "a port",
                                      .most_ports = 1,
                                      .session = "",
                                      .make = make_job<Endless>};

}  // namespace testbab
