#include <algorithm>
#include <utility>
#include <vector>

#include "engine_table.hpp"
#include "generator.hpp"
#include "ledger_rows.hpp"
#include "receiver.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

/// Sends on the first port and receives on the last one, which may be the same.
class Loop final : public Job {
 public:
  Loop(const Options& options, Wiring& wiring)
      : generators_(make_generators(options, wiring, 1)),
        // One for all RX queues: a NIC may spread a session over them.
        receiver_(options, framer_options(options, wiring, wiring.ports() - 1),
                  wiring.rx_queues(wiring.ports() - 1), true) {
    receiver_.works_with(wiring.rx_pool(wiring.ports() - 1));
    receiver_.receives_on(wiring.ports() - 1);
    std::vector<bab::wire::Session> sessions;
    for (const auto& generator : generators_) sessions.push_back(generator->session());
    receiver_.judge_only(std::move(sessions));
    add_stage(generators_);
    add_stage(receiver_);
  }

  void before_stop(std::size_t next) override {
    if (next != 1) return;
    std::uint64_t sent = 0;
    for (const auto& generator : generators_) sent += generator->sent();
    receiver_.expect(sent);
  }

  void sum_up(Summary& summary) const override {
    const Checker& checker = receiver_.checker();
    for (const auto& generator : generators_) generator->sum_up(summary);
    receiver_.sum_up(summary);
    checker.sum_up(summary.bus, false);
    add_frames_row(summary);
    const BusTotals& bus = summary.bus;
    // Messages lost at the end leave no gap in the numbers: they are found by the count.
    const std::uint64_t own = receiver_.own();
    const std::uint64_t came = own - std::min(bus.duplicates, own);
    const std::uint64_t given = bus.messages_out + summary.held.messages();
    const std::uint64_t not_come = given - std::min(came, given);
    summary.bus.lost += not_come - std::min(checker.missing_of_ours(), not_come);
    // Counted by sequence numbers, so that the row isn't balanced by definition.
    std::uint64_t unsent = summary.held.messages();
    for (const auto& generator : generators_) unsent += generator->unsent();
    const std::uint64_t numbered = bus.messages_out + unsent;
    const std::uint64_t tail = numbered - std::min(checker.reached(), numbered);
    const std::uint64_t gone = checker.missing_of_ours() + tail;
    summary.ledger.row("messages sent", bus.messages_out).out = {
        {"received", came}, {"lost on the way", gone - std::min(unsent, gone)}};
  }

 private:
  std::vector<std::unique_ptr<Generator>> generators_;
  Receiver receiver_;
};

}  // namespace

constinit const Engine kLoopEngine{
    .name = "loop",
    .help = "send on one port, receive and check every payload on it or on a second one",
    .loopback_ports = 1,
    .makes_messages = true,
    .port_use = "a port to send and receive on",
    .most_ports = 2,
    .session = "TESTBAB",
    .make = make_job<Loop>};

}  // namespace testbab
