#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include "crashes_fail.hpp"
#include "flusher_mutants.hpp"
#include "model_flusher.hpp"

/// The hand-over to the flusher. The frames of one shared writer come in several rings, and the
/// flusher restores their order.
namespace bab {
namespace {

using test::model::Exploration;
using test::model::explore_flusher;
using test::model::FlusherPlan;

struct ProductionFlusher {
  template <class Sink, class Atom>
  using WriteFlusher = bab::WriteFlusher<Sink, Atom>;
  template <class Atom>
  using FrameOrder = BasicFrameOrder<Atom>;
};

std::vector<FlusherPlan> plans(unsigned p) {
  return {
      {{"0 2 4", "1 3 5"}, 32, 0, {p}},
      {{"0,1,5", "4,3 2"}, 2, 1, {p}},            // one ring first gives frames that are far ahead
      {{"1 0e", "3e 2"}, 32, 1, {p}},             // empty frames only give up their places
      {{"2e 1e", "0e 3"}, 1, 1, {p}},             //
      {{"0 3", "1,4", "5 2"}, 2, 1, {p - 1}},     // three producers
      {{"0 2", "!0,1 2", "1 3"}, 2, 1, {p - 1}},  // beside a writer with a ring of its own
      {{"1-70", "0"}, 32, 1, {p}},                // more frames than the window has places
      {{"66-70 1-65", "0 71"}, 8, 1, {p}},
      {{"5-70 0", "1,2 3,4"}, 32, 1, {p}},
  };
}

template <class F>
std::uint64_t runs_until_failure(unsigned preemptions, std::optional<std::string>& failure) {
  std::uint64_t runs = 0;
  for (const FlusherPlan& plan : plans(preemptions)) {
    const Exploration e = explore_flusher<F>(plan);
    runs += e.runs;
    if (e.failure) {
      failure = named(plan) + ": " + *e.failure;
      break;
    }
    EXPECT_TRUE(e.complete);
  }
  return runs;
}

TEST(FlusherModel, EveryOrderWithinBounds) {
  std::optional<std::string> failure;
  const std::uint64_t runs =
      runs_until_failure<ProductionFlusher>(test::model::kSlow                   ? 1
                                            : std::getenv("BAB_LONG") != nullptr ? 4
                                                                                 : 3,
                                            failure);
  EXPECT_FALSE(failure) << *failure;
  std::printf("%llu orders\n", static_cast<unsigned long long>(runs));
}

#if !defined(BAB_ASAN) && !defined(BAB_TSAN)  // a sanitizer would stop at a mutant's fault

/// mutate.py makes the mutants of the headers. Each mutant is the production code with one line
/// changed.
#define BAB_FINDS(name)                                                        \
  struct Flusher_##name {                                                      \
    template <class Sink, class Atom>                                          \
    using WriteFlusher = mutant::name::WriteFlusher<Sink, Atom>;               \
    template <class Atom>                                                      \
    using FrameOrder = mutant::name::BasicFrameOrder<Atom>;                    \
  };                                                                           \
  TEST(FlusherMutant, Finds_##name) {                                          \
    const test::model::CrashesFail crashes_fail;                               \
    std::optional<std::string> failure;                                        \
    const std::uint64_t runs = runs_until_failure<Flusher_##name>(1, failure); \
    ASSERT_TRUE(failure) << "a mutant lives";                                  \
    std::printf("%s\nfound in order %llu\n", failure->c_str(),                 \
                static_cast<unsigned long long>(runs));                        \
  }
BAB_MUTANTS(BAB_FINDS)
#undef BAB_FINDS

#endif

}  // namespace
}  // namespace bab
