#include "one_lcore.hpp"

#include <algorithm>

#include <bab/memory/buffer_pool.hpp>

#include "interruptions.hpp"

namespace bench {
namespace {

class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) ns_ = run.GetAdjustedCPUTime();
  }
  [[nodiscard]] double ns() const { return ns_; }

 private:
  double ns_ = 0;
};

}  // namespace

Slice OneLcoreSide::run(std::int64_t iterations) {
  benchmark::ClearRegisteredBenchmarks();
  benchmark::RegisterBenchmark("side", [this](benchmark::State& s) { body_(s); })
      ->Iterations(iterations)
      ->Unit(benchmark::kNanosecond);
  Collector collector;
  bab::BufferPool::relieve();  // as in the first turn of a loop
  const std::uint64_t before = interruptions_of_thread();
  benchmark::RunSpecifiedBenchmarks(&collector, "side");
  return {collector.ns(), interruptions_of_thread() - before};
}

Slice OneLcoreSide::measure(double seconds) {
  const auto whole_turns = [](double iterations) {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(iterations) / kTurn) * kTurn;
  };
  if (iterations_ == 0) {
    std::int64_t n = 16 * kTurn;
    double ns = run(n).ns;
    // Doubled until the run is long enough that the timer's own cost doesn't matter.
    while (ns * static_cast<double>(n) < 1e6) ns = run(n *= 2).ns;
    iterations_ = whole_turns(seconds * 1e9 / ns);
  }
  return run(iterations_);
}

}  // namespace bench
