#include "receiver.hpp"

#include "ledger_rows.hpp"
#include "wiring.hpp"

namespace testbab {

bab::FramerOptions framer_options(const Options& options, Wiring& wiring, std::size_t in) {
  return {wiring.port(in).offloads().rx, options.rx_udp_port, wiring.gathering_pool(in)};
}

unsigned Receiver::poll(std::uint64_t now_tsc, Phase phase) noexcept {
  return receive(now_tsc, phase, [this](bab::ReceivedFrame& frame) {
    checker_.begin(frame.header());
    for (const auto message : frame) checker_.message(message);
  });
}

void Receiver::sum_up(Summary& summary) const {
  add_received(summary, framer());
  add_foreign(summary, own(), foreign());
}

}  // namespace testbab
