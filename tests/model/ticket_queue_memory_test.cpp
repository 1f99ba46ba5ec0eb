#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <bab/memory/ticket_queue.hpp>

#include "model_ticket_queue.hpp"
#include "seed.hpp"
#include "ticket_queue_orderings.hpp"

/// The ticket queue with its real atomics, on memory as C++ promises it (memory.hpp).
namespace bab {
namespace {

using test::model::Bounds;
using test::model::Exploration;
using test::model::explore_tickets;
using test::model::explore_tickets_at_random;
using test::model::named;
using Plan = test::model::TicketPlan;

bool thorough() { return std::getenv("BAB_LONG") != nullptr; }

std::vector<std::pair<Plan, Bounds>> plans() {
  const unsigned more = thorough() ? 1 : 0;
  std::vector<std::pair<Plan, Bounds>> p;
  constexpr std::array<std::string_view, 3> kOne{"w", "e", "l"};
  for (std::string_view a : kOne)
    for (std::string_view b : kOne)
      if (a <= b) p.push_back({{a, b}, {.preemptions = 2 + more, .weak = 2}});
  for (const Plan& plan : {Plan{"ww", "e"}, {"ew", "w"}, {"ee", "lw"}, {"we", "ew"}})
    p.push_back({plan, {.preemptions = 2, .weak = 1 + more}});
  for (std::string_view a : kOne)
    for (std::string_view b : kOne)
      for (std::string_view c : kOne)
        if (a <= b && b <= c) p.push_back({{a, b, c}, {.preemptions = 1 + more, .weak = 1}});
  return p;
}

template <class Queue>
std::uint64_t find_nothing() {
  std::uint64_t runs = 0;
  for (const auto& [plan, bounds] : plans()) {
    const Exploration e = explore_tickets<Queue>(plan, bounds);
    runs += e.runs;
    EXPECT_TRUE(e.complete || e.failure);
    EXPECT_FALSE(e.failure) << named(plan) << ": " << *e.failure;
  }
  return runs;
}

TEST(TicketQueueMemory, EveryOrderWithinBounds) {
  const std::uint64_t one = find_nothing<TicketQueue<RealAtom, 1>>();
  const std::uint64_t two = find_nothing<TicketQueue<RealAtom, 2>>();
  std::printf("%llu orders\n", static_cast<unsigned long long>(one + two));
}

TEST(TicketQueueMemory, LongPlansAtRandom) {
  const std::uint64_t seed = test::printed_seed();
  const std::uint64_t runs = thorough() ? 1'000'000 : 4'000;
  for (const Plan& plan : {Plan{"wewlwe", "lwewle", "ewwele"}, Plan{"www", "eee", "lll", "ewl"}}) {
    const Exploration e = explore_tickets_at_random<TicketQueue<RealAtom, 2>>(plan, runs, seed, 8);
    ASSERT_FALSE(e.failure) << named(plan) << ": " << *e.failure;
  }
  std::printf("%llu orders at random of each plan\n", static_cast<unsigned long long>(runs));
}

template <class Queue>
std::uint64_t orders_until_found() {
  std::uint64_t runs = 0;
  for (const auto& [plan, bounds] : plans()) {
    const Exploration e = explore_tickets<Queue>(plan, bounds);
    runs += e.runs;
    if (!e.failure) continue;
    std::printf("%s: %s\n", named(plan).c_str(), e.failure->c_str());
    return runs;
  }
  return 0;
}

/// mutate.py makes the mutants of the header. Each mutant is the production code with one line
/// changed.
#define BAB_FINDS(name)                                                                      \
  TEST(TicketQueueOrdering, Finds_##name) {                                                  \
    const std::uint64_t runs = orders_until_found<mutant::name::TicketQueue<RealAtom, 2>>(); \
    EXPECT_GT(runs, 0U) << "a mutant lives";                                                 \
    std::printf("found in order %llu\n", static_cast<unsigned long long>(runs));             \
  }
BAB_MUTANTS(BAB_FINDS)
#undef BAB_FINDS

}  // namespace
}  // namespace bab
