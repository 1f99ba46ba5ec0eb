#include "engine_txonly.hpp"

#include "generator.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

class TxOnly final : public Job {
 public:
  TxOnly(const Options& options, Wiring& wiring) {
    stages.push_back(make_generators(options, wiring, wiring.ports()));
  }

  void sum_up(Summary& summary) const override {
    for (const auto& p : stages[0]) static_cast<const Generator&>(*p).sum_up(summary);
  }
};

}  // namespace

std::unique_ptr<Job> make_txonly(const Options& options, Wiring& wiring) {
  return std::make_unique<TxOnly>(options, wiring);
}

}  // namespace testbab
