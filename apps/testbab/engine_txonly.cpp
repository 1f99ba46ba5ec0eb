#include "engine_table.hpp"
#include "generator.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

class TxOnly final : public Job {
 public:
  TxOnly(const Options& options, Wiring& wiring)
      : generators_(make_generators(options, wiring, wiring.ports())) {
    add_stage(generators_);
  }

  void sum_up(Summary& summary) const override {
    for (const auto& generator : generators_) generator->sum_up(summary);
  }

 private:
  std::vector<std::unique_ptr<Generator>> generators_;
};

}  // namespace

constinit const Engine kTxOnlyEngine{.name = "txonly",
                                     .help = "generate messages and send them on every port",
                                     .loopback_ports = 0,
                                     .makes_messages = true,
                                     .port_use = "a port to send on",
                                     .most_ports = 32,
                                     .session = "TESTBAB",
                                     .make = make_job<TxOnly>};

}  // namespace testbab
