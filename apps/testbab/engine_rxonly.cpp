#include "engine_rxonly.hpp"

#include "receiver.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

class RxOnly final : public Job {
 public:
  RxOnly(const Options& options, Wiring& wiring) {
    counts_received = true;
    auto& receivers = stages.emplace_back();
    for (std::size_t i = 0; i < wiring.ports(); ++i)
      for (bab::RxQueue* queue : wiring.rx_queues(i)) {
        receivers.push_back(std::make_unique<Receiver>(options, framer_options(options, wiring, i),
                                                       std::vector{queue}, false));
        receivers.back()->works_with(wiring.rx_pool(i));
        receivers.back()->receives_on(i);
      }
  }

  void sum_up(Summary& summary) const override {
    const bool port_lost =
        summary.drops[bab::Drop::kRxMissed] + summary.drops[bab::Drop::kRxNombuf] > 0;
    for (const auto& p : stages[0]) {
      const auto& receiver = static_cast<const Receiver&>(*p);
      receiver.sum_up(summary);
      receiver.checker().sum_up(summary.bus, port_lost);
    }
    add_frames_row(summary);
  }
};

}  // namespace

std::unique_ptr<Job> make_rxonly(const Options& options, Wiring& wiring) {
  return std::make_unique<RxOnly>(options, wiring);
}

}  // namespace testbab
