#include "engine_echo.hpp"

#include <iterator>

#include "echo_poller.hpp"
#include "receiver.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

class Echo final : public Job {
 public:
  Echo(const Options& options, Wiring& wiring) {
    counts_received = true;
    auto& echoes = stages.emplace_back();
    for (std::size_t i = 0; i < wiring.ports(); ++i) {
      auto of_port = make_echoes(options, wiring, i);
      std::move(of_port.begin(), of_port.end(), std::back_inserter(echoes));
    }
  }

  void sum_up(Summary& summary) const override {
    for (const auto& p : stages[0]) static_cast<const EchoPoller&>(*p).sum_up(summary);
    add_frames_row(summary);
  }
};

}  // namespace

std::unique_ptr<Job> make_echo(const Options& options, Wiring& wiring) {
  return std::make_unique<Echo>(options, wiring);
}

}  // namespace testbab
