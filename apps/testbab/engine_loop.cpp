#include "engine_loop.hpp"

#include <algorithm>

#include "generator.hpp"
#include "receiver.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

/// Sends on the first port and receives on the last one, which may be the same.
class Loop final : public Job {
 public:
  Loop(const Options& options, Wiring& wiring) {
    stages.push_back(make_generators(options, wiring, 1));
    auto& receivers = stages.emplace_back();
    const std::size_t last = wiring.ports() - 1;
    // One poller per RX queue, but one for all where a NIC may spread a session over queues.
    receivers.push_back(std::make_unique<Receiver>(options, framer_options(options, wiring, last),
                                                   wiring.rx_queues(last), true));
    receivers.back()->works_with(wiring.rx_pool(last));
    receivers.back()->receives_on(last);
  }

  void before_stop(std::size_t next) override {
    if (next != 1) return;
    std::uint64_t sent = 0;
    for (const auto& p : stages[0]) sent += static_cast<const Generator&>(*p).sent();
    receiver().expect(sent);
  }

  void sum_up(Summary& summary) const override {
    for (const auto& p : stages[0]) static_cast<const Generator&>(*p).sum_up(summary);
    receiver().sum_up(summary);
    receiver().checker().sum_up(summary.bus, false);
    add_frames_row(summary);
    const BusTotals& bus = summary.bus;
    // A lost tail leaves no gap: what was sent and didn't come is lost, too.
    const std::uint64_t came = bus.messages_in - std::min(bus.duplicates, bus.messages_in);
    const std::uint64_t given = bus.messages_out + summary.held.messages();
    const std::uint64_t not_come = given - std::min(came, given);
    summary.bus.lost += not_come - std::min(receiver().checker().missing_of_ours(), not_come);
    // Counted by sequence numbers, not as the difference of what was sent and what came.
    const Checker& checker = receiver().checker();
    std::uint64_t unsent = summary.held.messages();
    for (const auto& p : stages[0]) unsent += static_cast<const Generator&>(*p).unsent();
    const std::uint64_t numbered = bus.messages_out + unsent;
    const std::uint64_t tail = numbered - std::min(checker.reached(), numbered);
    const std::uint64_t gone = checker.missing_of_ours() + tail;
    summary.ledger.row("messages sent", bus.messages_out).out = {
        {"received", came}, {"lost on the way", gone - std::min(unsent, gone)}};
  }

 private:
  [[nodiscard]] Receiver& receiver() const { return static_cast<Receiver&>(*stages[1][0]); }
};

}  // namespace

std::unique_ptr<Job> make_loop(const Options& options, Wiring& wiring) {
  return std::make_unique<Loop>(options, wiring);
}

}  // namespace testbab
