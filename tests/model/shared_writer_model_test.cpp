#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include <bab/detail/shared_writer_impl.hpp>

#include "model_shared_writer.hpp"
#include "seed.hpp"
#include "shared_writer_mutants.hpp"

/// In place of the C library's: an assertion that fails in a run is what the run was for.
extern "C" void __assert_fail(const char* what, const char* file, unsigned line,
                              const char*) noexcept {
  bab::test::model::Machine::fail(std::string(file) + ":" + std::to_string(line) + ": " + what);
  std::abort();
}

namespace bab {
namespace {

using test::model::Exploration;
using test::model::explore_shared;
using test::model::Machine;
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

#if !defined(BAB_ASAN) && !defined(BAB_TSAN)  // mutants do what sanitizers end a program for

/// Says that a run failed when it reads or writes where there is nothing.
class CrashesFail {
 public:
  CrashesFail() {
    struct sigaction crash {};
    crash.sa_handler = [](int) { Machine::fail("crashed"); };
    sigaction(SIGSEGV, &crash, &before_);
  }
  CrashesFail(const CrashesFail&) = delete;
  CrashesFail& operator=(const CrashesFail&) = delete;
  ~CrashesFail() { sigaction(SIGSEGV, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

template <template <class> class Writer>
std::uint64_t orders_until_found() {
  const CrashesFail crashes_fail;
  std::uint64_t runs = 0;
  const auto found = [&runs](const SharedPlan& plan, const Exploration& e) {
    runs += e.runs;
    if (e.failure) std::printf("%s: %s\n", named(plan).c_str(), e.failure->c_str());
    return e.failure.has_value();
  };
  for (const SharedPlan& plan : test::model::shared_plans(0))
    if (found(plan, explore_shared<Writer>(plan))) return runs;
  // More preemptions, at random but always the same: what is found once is found in every run.
  for (const SharedPlan& plan : test::model::long_shared_plans())
    if (found(plan, explore_shared<Writer>(plan, 50'000, 1))) return runs;
  return 0;
}

/// Mutants are made of the headers by mutate.py: what is tested is the production code but for one line.
#define BAB_FINDS(name)                                                               \
  TEST(SharedWriterMutant, Finds_##name) {                                            \
    const std::uint64_t runs = orders_until_found<mutant::name::BasicSharedWriter>(); \
    EXPECT_GT(runs, 0U) << "a mutant lives";                                          \
    std::printf("found in order %llu\n", static_cast<unsigned long long>(runs));      \
  }
BAB_FINDS(crosser_does_not_close)
BAB_FINDS(everyone_who_fails_closes)
BAB_FINDS(closer_subtracts_twice)
BAB_FINDS(closer_does_not_subtract)
BAB_FINDS(opens_without_a_claim)
BAB_FINDS(looks_then_claims)
BAB_FINDS(claims_and_does_not_look_again)
BAB_FINDS(keeps_the_claim_without_a_buffer)
BAB_FINDS(gives_up_the_claim_before_the_word)
BAB_FINDS(word_before_slot)
BAB_FINDS(takes_a_slot_in_use)
BAB_FINDS(number_given_twice)
BAB_FINDS(compares_what_was_settled_before)
BAB_FINDS(settles_in_two_steps)
BAB_FINDS(settles_and_looks_again)
BAB_FINDS(flush_closes_by_a_store)
BAB_FINDS(flush_does_not_look_for_a_message)
BAB_FINDS(packet_takes_no_share)
BAB_FINDS(share_after_the_commit)
BAB_FINDS(packets_out_is_not_noted)
BAB_FINDS(holes_are_not_noted)
BAB_FINDS(gathered_frame_goes_back)
BAB_FINDS(empty_frame_keeps_its_place)
BAB_FINDS(reserve_takes_the_room_in_two_steps)
#undef BAB_FINDS

#endif

}  // namespace
}  // namespace bab
