#include <algorithm>
#include <iterator>
#include <memory>
#include <vector>

#include "echo_poller.hpp"
#include "engine_table.hpp"
#include "ledger_rows.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

class Echo final : public Job {
 public:
  Echo(const Options& options, Wiring& wiring) {
    counts_received = true;
    for (std::size_t i = 0; i < wiring.ports(); ++i) {
      auto of_port = make_echoes(options, wiring, i);
      std::move(of_port.begin(), of_port.end(), std::back_inserter(echoes_));
    }
    add_stage(echoes_);
  }

  void sum_up(Summary& summary) const override {
    for (const auto& echo : echoes_) echo->sum_up(summary);
    add_frames_row(summary);
  }

 private:
  std::vector<std::unique_ptr<EchoPoller>> echoes_;
};

}  // namespace

constinit const Engine kEchoEngine{
    .name = "echo",
    .help = "send each message back to the address that its frame came from",
    .loopback_ports = 0,
    .makes_messages = false,
    .port_use = "a port to receive and answer on",
    .most_ports = 32,
    .session = "BABECHO",
    .make = make_job<Echo>};

}  // namespace testbab
