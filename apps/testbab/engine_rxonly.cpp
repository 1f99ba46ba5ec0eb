#include "engine_table.hpp"
#include "ledger_rows.hpp"
#include "receiver.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

class RxOnly final : public Job {
 public:
  RxOnly(const Options& options, Wiring& wiring) {
    counts_received = true;
    for (std::size_t i = 0; i < wiring.ports(); ++i)
      for (bab::RxQueue* queue : wiring.rx_queues(i)) {
        receivers_.push_back(std::make_unique<Receiver>(options, framer_options(options, wiring, i),
                                                        std::vector{queue}, false));
        receivers_.back()->works_with(wiring.rx_pool(i));
        receivers_.back()->receives_on(i);
      }
    add_stage(receivers_);
  }

  void sum_up(Summary& summary) const override {
    const bool port_lost =
        summary.drops[bab::Drop::kRxMissed] + summary.drops[bab::Drop::kRxNombuf] > 0;
    for (const auto& receiver : receivers_) {
      receiver->sum_up(summary);
      receiver->checker().sum_up(summary.bus, port_lost);
    }
    add_frames_row(summary);
  }

 private:
  std::vector<std::unique_ptr<Receiver>> receivers_;
};

}  // namespace

constinit const Engine kRxOnlyEngine{.name = "rxonly",
                                     .help = "receive on every port, verify and count",
                                     .loopback_ports = 0,
                                     .makes_messages = false,
                                     .port_use = "a port to receive on",
                                     .most_ports = 32,
                                     .session = "",
                                     .make = make_job<RxOnly>};

}  // namespace testbab
