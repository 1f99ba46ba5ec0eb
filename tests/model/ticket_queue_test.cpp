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

#include "explorer.hpp"
#include "seed.hpp"
#include "ticket_queue_mutants.hpp"

namespace bab {
namespace {

using test::model::Bounds;
using test::model::Exploration;
using test::model::ExplorerAtom;
using test::model::Machine;

/// What one waiter does, a letter for each ticket: w waits for its turn and leaves; e leaves early; l looks
/// once whether it is served, then leaves.
using Plan = std::vector<std::string_view>;

/// Waiters on a queue, and what must hold: one at a time, in the order of tickets, nobody waits for ever, no
/// ticket is refused while there are some, and the queue is as good as new afterwards.
template <class Queue>
class Waiters {
 public:
  explicit Waiters(const Plan& plan) : plan_(plan) {}

  void thread(unsigned i) {
    for (const char what : plan_[i]) {
      const std::uint64_t ticket = take();
      bool served = false;
      do {
        served = queue_.is_served(ticket);
        if (!served && what == 'w') Machine::wait_for_change();
      } while (!served && what == 'w');
      if (served && what != 'e') hold(ticket);
      queue_.leave(ticket);
    }
  }

  std::optional<std::string> check() {
    if (queue_.size() != 0) return "tickets are out after all have left";
    for (std::uint64_t i = 0; i < Queue::kMost + 1; ++i) {
      const auto ticket = queue_.try_take();
      if (!ticket) return "no ticket for the next";
      if (!queue_.is_served(*ticket)) return "the next is not served";
      queue_.leave(*ticket);
    }
    return std::nullopt;
  }

 private:
  std::uint64_t take() {
    while (true) {
      ++begun_;
      const auto ticket = queue_.try_take();
      if (ticket) {
        if (!tickets_.insert(*ticket).second) Machine::fail("a ticket was given twice");
        return *ticket;
      }
      if (begun_ <= Queue::kMost) Machine::fail("a ticket was refused while there were some");
      --begun_;
      Machine::wait_for_change();
    }
  }

  void hold(std::uint64_t ticket) {
    if (inside_) Machine::fail("two are served at once");
    if (last_ && ticket <= *last_) Machine::fail("served out of turn");
    inside_ = true;
    last_ = ticket;
    Machine::point();
    inside_ = false;
  }

  const Plan& plan_;
  Queue queue_;
  std::set<std::uint64_t> tickets_;
  std::uint64_t begun_ = 0;  // tickets, and attempts to get one
  bool inside_ = false;
  std::optional<std::uint64_t> last_;
};

template <class Queue>
Exploration explore(const Plan& plan, const Bounds& bounds) {
  return test::model::explore(
      static_cast<unsigned>(plan.size()), [&] { return std::make_unique<Waiters<Queue>>(plan); },
      bounds);
}

template <class Queue>
Exploration explore_at_random(const Plan& plan, std::uint64_t runs, std::uint64_t seed) {
  return test::model::explore_at_random(
      static_cast<unsigned>(plan.size()), [&] { return std::make_unique<Waiters<Queue>>(plan); },
      runs, seed);
}

/// Sanitizers make each run many times slower, and what they look for needs few.
#if defined(BAB_ASAN) || defined(BAB_TSAN)
constexpr bool kSlow = true;
#else
constexpr bool kSlow = false;
#endif

/// Two waiters with one ticket each and many preemptions; more of both with fewer.
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

std::string named(const Plan& plan) {
  std::string name;
  for (std::string_view each : plan) {
    if (!name.empty()) name += ' ';
    name += each;
  }
  return name;
}

/// The queue's slots are used again after so many tickets: with few, a slot that one waiter still looks at is
/// soon another's.
template <class Queue>
void find_nothing() {
  std::uint64_t runs = 0;
  for (const auto& [plan, bounds] : plans()) {
    const Exploration e = explore<Queue>(plan, bounds);
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
    const Exploration two = explore_at_random<TicketQueue<ExplorerAtom, 2>>(plan, runs, seed);
    ASSERT_FALSE(two.failure) << named(plan) << ": " << *two.failure;
    const Exploration three = explore_at_random<TicketQueue<ExplorerAtom, 3>>(plan, runs, seed);
    ASSERT_FALSE(three.failure) << named(plan) << ": " << *three.failure;
  }
}

template <class Queue>
std::uint64_t orders_until_found() {
  std::uint64_t runs = 0;
  for (const auto& [plan, bounds] : plans()) {
    const Exploration e = explore<Queue>(plan, bounds);
    runs += e.runs;
    if (e.failure) {
      std::printf("%s: %s\n", named(plan).c_str(), e.failure->c_str());
      return runs;
    }
  }
  return 0;
}

/// Mutants are made of the header by mutate.py: what is tested is the production code but for one line.
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
