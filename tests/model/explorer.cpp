#include "explorer.hpp"

#include <random>
#include <vector>

namespace bab::test::model {
namespace {

std::optional<std::string> run_once(Machine& machine, const MakeScenario& make,
                                    const Machine::Choose& choose, const Bounds& bounds) {
  auto scenario = make();
  Memory::start(bounds.weak);
  auto failure = machine.run([&](unsigned i) { scenario->thread(i); }, choose, bounds.preemptions);
  Memory::stop();
  if (!failure) failure = scenario->check();
  if (failure) *failure += "; threads in order of their steps: " + machine.trace();
  return failure;
}

}  // namespace

Exploration explore(unsigned threads, const MakeScenario& make, const Bounds& bounds) {
  struct Step {
    std::size_t chosen, choices;
  };
  Machine machine(threads);
  std::vector<Step> path;
  Exploration e;
  while (e.runs < bounds.runs) {
    std::size_t depth = 0;
    bool same = true;
    const Machine::Choose choose = [&](std::size_t choices) {
      if (depth == path.size()) path.push_back({0, choices});
      same &= path[depth].choices == choices;
      return std::min(path[depth++].chosen, choices - 1);
    };
    ++e.runs;
    if ((e.failure = run_once(machine, make, choose, bounds))) return e;
    if (!same) {
      e.failure = "the scenario is not the same in every run";
      return e;
    }
    while (!path.empty() && path.back().chosen + 1 == path.back().choices) path.pop_back();
    if (path.empty()) {
      e.complete = true;
      return e;
    }
    ++path.back().chosen;
  }
  return e;
}

Exploration explore_at_random(unsigned threads, const MakeScenario& make, std::uint64_t runs,
                              std::uint64_t seed, unsigned weak) {
  Machine machine(threads);
  std::mt19937_64 random(seed);
  Exploration e;
  while (e.runs < runs && !e.failure) {
    // Some runs change threads at nearly every point, others seldom.
    const std::uint64_t stay = 1 + random() % 8;
    const Machine::Choose choose = [&](std::size_t choices) {
      return random() % stay != 0 ? 0 : random() % choices;
    };
    ++e.runs;
    e.failure = run_once(machine, make, choose, {std::numeric_limits<unsigned>::max(), weak});
  }
  return e;
}

}  // namespace bab::test::model
