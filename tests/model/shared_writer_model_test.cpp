#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include <bab/detail/shared_writer_impl.hpp>

#include "assert_fails.hpp"
#include "crashes_fail.hpp"
#include "model_shared_writer.hpp"
#include "seed.hpp"
#include "shared_writer_mutants.hpp"

namespace bab {
namespace {

using test::model::Exploration;
using test::model::explore_shared;
using test::model::SharedPlan;

bool thorough() { return std::getenv("BAB_LONG") != nullptr; }

TEST(SharedWriterModel, EveryOrderWithinBounds) {
  std::uint64_t runs = 0;
  for (const SharedPlan& plan : test::model::shared_plans(thorough() ? 1 : 0)) {
    const Exploration e = explore_shared<BasicSharedWriter>(plan);
    runs += e.runs;
    std::printf("%s: %llu orders\n", named(plan).c_str(), static_cast<unsigned long long>(e.runs));
    ASSERT_FALSE(e.failure) << named(plan) << ": " << *e.failure;
    EXPECT_TRUE(e.complete) << named(plan);
  }
  std::printf("%llu orders\n", static_cast<unsigned long long>(runs));
}

TEST(SharedWriterModel, LongPlansAtRandom) {
  const std::uint64_t seed = test::printed_seed();
  const std::uint64_t runs = thorough() ? 300'000 : test::model::kSlow ? 300 : 3'000;
  for (const SharedPlan& plan : test::model::long_shared_plans()) {
    const Exploration e = explore_shared<BasicSharedWriter>(plan, runs, seed);
    ASSERT_FALSE(e.failure) << named(plan) << ": " << *e.failure;
  }
  std::printf("%llu orders at random of each plan\n", static_cast<unsigned long long>(runs));
}

#if !defined(BAB_ASAN) && !defined(BAB_TSAN)  // a sanitizer would stop at a mutant's fault

template <template <class> class Writer>
std::uint64_t orders_until_found() {
  const test::model::CrashesFail crashes_fail;
  std::uint64_t runs = 0;
  const auto found = [&runs](const SharedPlan& plan, const Exploration& e) {
    runs += e.runs;
    if (e.failure) std::printf("%s: %s\n", named(plan).c_str(), e.failure->c_str());
    return e.failure.has_value();
  };
  for (SharedPlan plan : test::model::shared_plans(0)) {
    if (plan.bounds.preemptions > 0) --plan.bounds.preemptions;
    if (found(plan, explore_shared<Writer>(plan))) return runs;
  }
  // More preemptions, in random orders. The seed is fixed: a fault that is found once is found in
  // every run.
  for (const SharedPlan& plan : test::model::long_shared_plans())
    if (found(plan, explore_shared<Writer>(plan, 5'000, 1))) return runs;
  for (const SharedPlan& plan : test::model::shared_plans(0))
    if (found(plan, explore_shared<Writer>(plan))) return runs;
  return 0;
}

/// mutate.py makes the mutants of the headers. Each mutant is the production code with one line
/// changed.
#define BAB_FINDS(name)                                                               \
  TEST(SharedWriterMutant, Finds_##name) {                                            \
    const std::uint64_t runs = orders_until_found<mutant::name::BasicSharedWriter>(); \
    EXPECT_GT(runs, 0U) << "a mutant lives";                                          \
    std::printf("found in order %llu\n", static_cast<unsigned long long>(runs));      \
  }
BAB_MUTANTS(BAB_FINDS)
#undef BAB_FINDS

#endif

}  // namespace
}  // namespace bab
