#include <bab/memory/ticket_queue.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "model_ticket_queue.hpp"
#include "seed.hpp"
#include "ticket_queue_mutants.hpp"

namespace bab {
namespace {

using test::model::Bounds;
using test::model::Exploration;
using test::model::explore_tickets;
using test::model::explore_tickets_at_random;
using test::model::ExplorerAtom;
using test::model::named;
using Plan = test::model::TicketPlan;

/// Sanitizers make each run many times slower. They need few runs to find what they look for.
#if defined(BAB_ASAN) || defined(BAB_TSAN)
constexpr bool kSlow = true;
#else
constexpr bool kSlow = false;
#endif

/// Two waiters with one ticket each and many preemptions. Then more waiters and tickets, with fewer
/// preemptions.
const std::vector<std::pair<Plan, Bounds>>& plans() {
  static const std::vector<std::pair<Plan, Bounds>> all = [] {
    std::vector<std::pair<Plan, Bounds>> p;
    const bool thorough = std::getenv("BAB_LONG") != nullptr;
    const auto preemptions = [&](unsigned by_hand, unsigned always) {
      return thorough ? by_hand : kSlow ? 2U : always;
    };
    constexpr std::array<std::string_view, 3> kOne{"w", "e", "l"};
    for (std::string_view a : kOne)
      for (std::string_view b : kOne)
        if (a <= b) p.push_back({{a, b}, {preemptions(100, 5)}});
    for (std::string_view a : kOne)
      for (std::string_view b : kOne)
        for (std::string_view c : kOne)
          if (a <= b && b <= c) p.push_back({{a, b, c}, {preemptions(4, 2)}});
    for (const Plan& plan : {Plan{"ww", "e"},
                             {"ew", "w"},
                             {"ee", "lw"},
                             {"we", "ew"},
                             {"www", "e", "e"},
                             {"lw", "ee", "w"}})
      p.push_back({plan, {preemptions(3, 2)}});
    return p;
  }();
  return all;
}

/// A slot is used again after as many tickets as there are slots. With few slots, a slot that one
/// waiter still looks at soon belongs to another waiter.
template <class Queue>
void find_nothing() {
  std::uint64_t runs = 0;
  for (const auto& [plan, bounds] : plans()) {
    const Exploration e = explore_tickets<Queue>(plan, bounds);
    runs += e.runs;
    EXPECT_TRUE(e.complete);
    ASSERT_FALSE(e.failure) << named(plan) << ": " << *e.failure;
  }
  std::printf("%llu orders\n", static_cast<unsigned long long>(runs));
}

TEST(TicketQueueModel, EveryOrderWithinBoundsWithAsManySlotsAsTickets) {
  find_nothing<TicketQueue<ExplorerAtom, 8>>();
}
TEST(TicketQueueModel, EveryOrderWithinBoundsWithTwoSlots) {
  find_nothing<TicketQueue<ExplorerAtom, 2>>();
}
TEST(TicketQueueModel, EveryOrderWithinBoundsWithOneSlot) {
  find_nothing<TicketQueue<ExplorerAtom, 1>>();
}

TEST(TicketQueueModel, LongPlansAtRandom) {
  const std::uint64_t seed = test::printed_seed();
  const std::uint64_t runs = std::getenv("BAB_LONG") != nullptr ? 2'000'000 : kSlow ? 500 : 20'000;
  for (const Plan& plan : {Plan{"wewlwe", "lwewle", "ewwele"}, Plan{"www", "eee", "lll", "ewl"}}) {
    const Exploration two =
        explore_tickets_at_random<TicketQueue<ExplorerAtom, 2>>(plan, runs, seed);
    ASSERT_FALSE(two.failure) << named(plan) << ": " << *two.failure;
    const Exploration three =
        explore_tickets_at_random<TicketQueue<ExplorerAtom, 3>>(plan, runs, seed);
    ASSERT_FALSE(three.failure) << named(plan) << ": " << *three.failure;
  }
}

template <class Queue>
std::uint64_t orders_until_found() {
  std::uint64_t runs = 0;
  for (const auto& [plan, bounds] : plans()) {
    const Exploration e = explore_tickets<Queue>(plan, bounds);
    runs += e.runs;
    if (e.failure) {
      std::printf("%s: %s\n", named(plan).c_str(), e.failure->c_str());
      return runs;
    }
  }
  return 0;
}

/// mutate.py makes the mutants of the header. Each mutant is the production code with one line
/// changed.
#define BAB_FINDS(name)                                                                        \
  TEST(TicketQueueMutant, Finds_##name) {                                                      \
    const std::uint64_t with_two_slots =                                                       \
        orders_until_found<mutant::name::TicketQueue<ExplorerAtom, 2>>();                      \
    const std::uint64_t runs =                                                                 \
        with_two_slots > 0 ? with_two_slots                                                    \
                           : orders_until_found<mutant::name::TicketQueue<ExplorerAtom, 8>>(); \
    EXPECT_GT(runs, 0U) << "a mutant lives";                                                   \
    std::printf("found in order %llu\n", static_cast<unsigned long long>(runs));               \
  }
BAB_MUTANTS(BAB_FINDS)
#undef BAB_FINDS

}  // namespace
}  // namespace bab
