#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <bab/detail/shared_writer_impl.hpp>
#include <bab/message/flush_wait.hpp>
#include <bab/message/write_flusher.hpp>

#include "assert_fails.hpp"
#include "flush_wait_mutants.hpp"
#include "model_flush_wait.hpp"

/// flush_wait() against other producers and the flusher, on memory as C++ promises it (memory.hpp).
namespace bab {
namespace {

using test::model::Exploration;
using test::model::explore_flush_wait;
using test::model::FlushWaitPlan;

struct ProductionFlushWait {
  template <class Atom>
  using SharedWriter = BasicSharedWriter<Atom>;
  template <class Sink, class Atom>
  using WriteFlusher = bab::WriteFlusher<Sink, Atom>;
  template <class Writer>
  using FlushWait = bab::FlushWait<Writer>;
};

std::vector<FlushWaitPlan> plans(unsigned p) {
  return {
      {{"cw"}, 5, 0, 0, {p, 1}},          {{"cwcw"}, 5, 0, 1, {p}},  // frames are dropped, or not
      {{"cwcw"}, 5, 0, 0, {p}, 1},                                   // another flusher takes over
      {{"cfrcw"}, 5, 0, 0, {p}},           // another writer on the same ring
      {{"cw", "ho"}, 15, 0, 0, {p}},       // waits for a message that another lcore holds
      {{"cw", "c", "hf"}, 10, 0, 0, {0}},  // three producers
      {{"cxcw", "cf"}, 5, 0, 0, {p}},      // the same wait begins twice
      {{"ccw"}, 5, 1, 0, {p, 1}},          // the sink refuses one frame
      {{"cw", "a"}, 5, 1, 0, {p}},         // the same, with an empty frame behind it
      {{"cwcw", "c"}, 5, 0, 0, {p}},       // frames of another producer in between
      {{"cw", "cw"}, 10, 0, 0, {p}},       // both messages in one frame, or each in its own
      {{"cw", "h"}, 5, 0, 1, {p}},         // behind a frame that comes after it was given up
      {{"cw", "ho"}, 5, 0, 0, {p}, 1},     // the same, with another flusher
  };
}

template <class F>
std::uint64_t runs_until_failure(unsigned preemptions, std::optional<std::string>& failure) {
  std::uint64_t runs = 0;
  for (const FlushWaitPlan& plan : plans(preemptions)) {
    const Exploration e = explore_flush_wait<F>(plan);
    runs += e.runs;
    if (e.failure) {
      failure = named(plan) + ": " + *e.failure;
      break;
    }
    EXPECT_TRUE(e.complete);
    std::printf("%s: %llu orders\n", named(plan).c_str(), static_cast<unsigned long long>(e.runs));
  }
  return runs;
}

TEST(FlushWaitMemory, EveryOrderWithinBounds) {
  std::optional<std::string> failure;
  const std::uint64_t runs =
      runs_until_failure<ProductionFlushWait>(std::getenv("BAB_LONG") != nullptr ? 2 : 1, failure);
  EXPECT_FALSE(failure) << *failure;
  std::printf("%llu orders\n", static_cast<unsigned long long>(runs));
}

/// mutate.py makes the mutants of the headers. Each mutant is the production code with one line
/// changed.
#define BAB_FINDS(name)                                                          \
  struct FlushWait_##name {                                                      \
    template <class Atom>                                                        \
    using SharedWriter = mutant::name::BasicSharedWriter<Atom>;                  \
    template <class Sink, class Atom>                                            \
    using WriteFlusher = mutant::name::WriteFlusher<Sink, Atom>;                 \
    template <class Writer>                                                      \
    using FlushWait = mutant::name::FlushWait<Writer>;                           \
  };                                                                             \
  TEST(FlushWaitMutant, Finds_##name) {                                          \
    std::optional<std::string> failure;                                          \
    const std::uint64_t runs = runs_until_failure<FlushWait_##name>(1, failure); \
    ASSERT_TRUE(failure) << "a mutant lives";                                    \
    std::printf("%s\nfound in order %llu\n", failure->c_str(),                   \
                static_cast<unsigned long long>(runs));                          \
  }
BAB_MUTANTS(BAB_FINDS)
#undef BAB_FINDS

}  // namespace
}  // namespace bab
