#include "explorer.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bab::test::model {
namespace {

/// Two threads that add to a counter in two steps.
struct LostUpdate {
  void thread(unsigned) {
    const int seen = counter.load();
    counter.store(seen + 1);
  }
  std::optional<std::string> check() {
    if (counter.load() == 2) return std::nullopt;
    return "lost an update";
  }
  ExplorerAtom::Atomic<int> counter{0};
};

TEST(Explorer, FindsALostUpdateWithOnePreemptionAndNotWithout) {
  const MakeScenario make = scenario<LostUpdate>();
  const Exploration without = explore(2, make, {.preemptions = 0});
  EXPECT_FALSE(without.failure);
  EXPECT_TRUE(without.complete);
  EXPECT_EQ(without.runs, 2U) << "one thread after the other, or the other way round";
  const Exploration with = explore(2, make, {.preemptions = 1});
  ASSERT_TRUE(with.failure);
  EXPECT_THAT(*with.failure, testing::HasSubstr("lost an update"));
  EXPECT_TRUE(explore_at_random(2, make, 1000, 1).failure);
}

/// Threads of two steps each. The scenario notes the order in which the steps were taken.
struct Noted {
  explicit Noted(std::multiset<std::string>& into) : orders(into) {}
  void thread(unsigned i) {
    for (int step = 0; step < 2; ++step) {
      word.fetch_add(1);
      order += static_cast<char>('a' + i);
    }
  }
  std::optional<std::string> check() {
    orders.insert(order);
    return std::nullopt;
  }
  std::multiset<std::string>& orders;
  std::string order;
  ExplorerAtom::Atomic<int> word{0};
};

TEST(Explorer, RunsEveryOrder) {
  std::multiset<std::string> orders;
  const MakeScenario make = scenario<Noted>(orders);
  const Exploration two = explore(2, make, {.preemptions = 100});
  EXPECT_TRUE(two.complete);
  EXPECT_EQ(std::set<std::string>(orders.begin(), orders.end()),
            (std::set<std::string>{"aabb", "abab", "abba", "baab", "baba", "bbaa"}));
  orders.clear();
  EXPECT_TRUE(explore(3, make, {.preemptions = 100}).complete);
  EXPECT_EQ(std::set<std::string>(orders.begin(), orders.end()).size(), 90U) << "6! / 2!^3";
}

/// Each thread waits for the other's flag before it sets its own.
struct Deadlock {
  void thread(unsigned i) {
    while (!flags[1 - i].load()) Machine::wait_for_change();
    flags[i].store(true);
  }
  std::optional<std::string> check() { return std::nullopt; }
  std::array<ExplorerAtom::Atomic<bool>, 2> flags{};
};

TEST(Explorer, FindsADeadlock) {
  const Exploration e = explore(2, scenario<Deadlock>(), {});
  ASSERT_TRUE(e.failure);
  EXPECT_THAT(*e.failure, testing::HasSubstr("wait for ever"));
}

/// One thread waits for a value that the other writes. No order leads to a deadlock.
struct HandOver {
  void thread(unsigned i) {
    if (i == 0) {
      int* p = &value;
      value = 42;
      ring.push({&p, 1});
      return;
    }
    int* got = nullptr;
    while (ring.pop({&got, 1}) == 0) Machine::wait_for_change();
    seen = *got;
  }
  std::optional<std::string> check() {
    if (seen == 42) return std::nullopt;
    return "not handed over";
  }
  ExplorerAtom::Ring<int> ring{1};
  int value = 0, seen = 0;
};

TEST(Explorer, AWaiterGoesOnWhenSomethingWasWritten) {
  const Exploration e = explore(2, scenario<HandOver>(), {.preemptions = 9});
  EXPECT_FALSE(e.failure);
  EXPECT_TRUE(e.complete);
}

/// A plain integer that other code declares, such as mbuf->refcnt.
struct RefUpdate {
  void thread(unsigned) { ExplorerAtom::Ref<std::uint16_t>(plain).fetch_sub(1); }
  std::optional<std::string> check() {
    if (plain == 0) return std::nullopt;
    return "not all subtracted";
  }
  std::uint16_t plain = 3;
};

TEST(Explorer, AtomicOperationsOnAPlainIntegerLoseNothing) {
  const Exploration e = explore(3, scenario<RefUpdate>(), {.preemptions = 9});
  EXPECT_FALSE(e.failure);
  EXPECT_TRUE(e.complete);
}

}  // namespace
}  // namespace bab::test::model
