#include <cstdio>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include <bab/detail/shared_writer_impl.hpp>

#include "assert_fails.hpp"
#include "model_shared_writer.hpp"
#include "seed.hpp"
#include "shared_writer_orderings.hpp"

/// The shared writer with its real atomics, on memory as C++ promises it (memory.hpp).
namespace bab {
namespace {

using test::model::Bounds;
using test::model::Exploration;
using test::model::explore_shared;
using test::model::MemoryAtom;
using test::model::SharedPlan;

bool thorough() { return std::getenv("BAB_LONG") != nullptr; }

/// Plans for two producers with the bounds `two`, then plans for three producers with the bounds
/// `three`. In the first `weak` plans for two, one load may see an older value or one store may be
/// late.
std::vector<SharedPlan> plans(Bounds two, Bounds three, unsigned weak = 0) {
  std::vector<SharedPlan> plans;
  for (SharedPlan plan : test::model::shared_plans(0)) {
    if (plan.producers.size() < 2) continue;
    plan.bounds = plan.producers.size() == 2 ? two : three;
    if (plan.producers.size() == 2 && weak > 0) {
      plan.bounds.weak = 1;
      --weak;
    }
    plans.push_back(plan);
  }
  return plans;
}

TEST(SharedWriterMemory, EveryOrderWithinBounds) {
  std::uint64_t runs = 0;
  const Bounds three =
      thorough() ? Bounds{.preemptions = 1, .weak = 1} : Bounds{.preemptions = 0, .weak = 1};
  for (const SharedPlan& plan : plans({.preemptions = 1}, three, thorough() ? 99 : 3)) {
    const Exploration e = explore_shared<BasicSharedWriter, MemoryAtom>(plan);
    runs += e.runs;
    std::printf("%s: %llu orders\n", named(plan).c_str(), static_cast<unsigned long long>(e.runs));
    ASSERT_FALSE(e.failure) << named(plan) << ": " << *e.failure;
    EXPECT_TRUE(e.complete) << named(plan);
  }
  std::printf("%llu orders\n", static_cast<unsigned long long>(runs));
}

TEST(SharedWriterMemory, LongPlansAtRandom) {
  const std::uint64_t seed = test::printed_seed();
  const std::uint64_t runs = thorough() ? 300'000 : 1'000;
  for (SharedPlan plan : test::model::long_shared_plans()) {
    plan.bounds.weak = 8;
    const Exploration e = explore_shared<BasicSharedWriter, MemoryAtom>(plan, runs, seed);
    ASSERT_FALSE(e.failure) << named(plan) << ": " << *e.failure;
  }
  std::printf("%llu orders at random of each plan\n", static_cast<unsigned long long>(runs));
}

template <template <class> class Writer>
std::uint64_t orders_until_found() {
  std::uint64_t runs = 0;
  const auto found = [&runs](const SharedPlan& plan, const Exploration& e) {
    runs += e.runs;
    if (e.failure) std::printf("%s: %s\n", named(plan).c_str(), e.failure->c_str());
    return e.failure.has_value();
  };
  for (const SharedPlan& plan : plans({.preemptions = 1}, {.preemptions = 0}))
    if (found(plan, explore_shared<Writer, MemoryAtom>(plan))) return runs;
  for (const SharedPlan& plan : plans({.preemptions = 1}, {.preemptions = 1}, 4))
    if (found(plan, explore_shared<Writer, MemoryAtom>(plan))) return runs;
  return 0;
}

/// mutate.py makes the mutants of the headers. Each mutant is the production code with one line
/// changed.
#define BAB_FINDS(name)                                                               \
  TEST(SharedWriterOrdering, Finds_##name) {                                          \
    const std::uint64_t runs = orders_until_found<mutant::name::BasicSharedWriter>(); \
    EXPECT_GT(runs, 0U) << "a mutant lives";                                          \
    std::printf("found in order %llu\n", static_cast<unsigned long long>(runs));      \
  }
BAB_MUTANTS(BAB_FINDS)
#undef BAB_FINDS

}  // namespace
}  // namespace bab
