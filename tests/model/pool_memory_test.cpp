#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/acquire.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>

#include "assert_fails.hpp"
#include "crashes_fail.hpp"
#include "model_caches.hpp"
#include "model_pool_shutdown.hpp"
#include "model_shares.hpp"
#include "model_waiters.hpp"
#include "pool_mutants.hpp"

/// Shares, waiters and the end of a pool: the production code with its real atomics, on memory as
/// C++ promises it (memory.hpp).
namespace bab {
namespace {

using test::model::CachesPlan;
using test::model::Exploration;
using test::model::SharesPlan;
using test::model::ShutdownPlan;
using test::model::WaitersPlan;

struct Production {
  using AcquireBulk = bab::AcquireBulk;
  using BufferHome = bab::BufferHome;
  using BufferPool = bab::BufferPool;
  using BufferPoolOptions = bab::BufferPoolOptions;
  using Packet = bab::Packet;
  using PacketSource = bab::PacketSource;
  using SendPacket = bab::SendPacket;
  using Shares = bab::Shares<>;
};

/// How many preemptions: `every_day`, and one more if BAB_LONG is set.
unsigned bound(unsigned every_day) {
  return every_day + (std::getenv("BAB_LONG") != nullptr ? 1 : 0);
}

std::vector<SharesPlan> shares_plans(unsigned p) {
  return {
      {{"", "N"}, {p, 2}},              // the last Packet goes while the NIC ends its use
      {{"c", "N", "A"}, {p, 1}},        // the same, and another thread takes the buffer next
      {{"cs", "rv", "N"}, {p, 1}},      // a sent Packet gets a share of its own
      {{"s", "rv", "N"}, {p, 1}},       // the last handle's share is sent along
      {{"css", "rdr", "N"}, {p, 1}},    // shares of one lcore add up
      {{"b", "rrv", "N"}, {p, 1}},      // two Packets are sent at once
      {{"cb", "rr", "N"}, {p, 1}},      //
      {{"cs", "x", "N"}, {p, 1}},       // a SendPacket is dropped on the way
      {{"csr", "rS", "N"}, {p, 1}},     // there and back
      {{"ccsS", "rv", "rvN"}, {p, 1}},  // two receivers
      {{"ccsS", "rvs", "rr", "N"}, {p - 1, 1}},
      {{"csd", "rd", "A", "N"}, {p - 1, 1}},
  };
}

std::vector<WaitersPlan> waiters_plans(unsigned p) {
  return {
      {{"a", "a"}, 1, 0, {p, 0}},
      {{"a", "t"}, 1, 0, {p, 0}},
      {{"a", "c"}, 1, 0, {p, 0}},    // one gives up: the oldest or the youngest, in its turn or not
      {{"aa", "Ca"}, 1, 0, {p, 0}},  //
      {{"b", "b"}, 2, 0, {p, 0}},
      {{"b", "B"}, 2, 0, {p, 0}},  // gives up when it has one of two
      {{"ab", "ta"}, 2, 0, {p, 0}},
      {{"b", "b"}, 16, 2, {p, 0}, 13},  // with caches
      {{"aba", "bB"}, 16, 2, {p, 0}, 12},
      {{"bi", "b"}, 16, 2, {p, 0}, 13},
      {{"a", "a", "c"}, 1, 0, {p - 1, 0}},  // three lcores
      {{"a", "C", "t"}, 1, 0, {p - 1, 0}},
      {{"b", "a", "B"}, 2, 0, {p - 1, 0}},
      {{"a", "a"}, 1, 0, {2, 1}},  // loads that see older values
      {{"a", "c"}, 1, 0, {2, 1}},
      {{"b", "B"}, 2, 0, {2, 1}},
      {{"b", "b"}, 16, 2, {2, 1}, 13},
  };
}

std::vector<CachesPlan> caches_plans(unsigned p) {
  return {
      {{"gi", "k"}, 1, {p, 1}},  // a buffer is found that a turning lcore keeps
      {{"fi", "k"}, 1, {p, 1}},
      {{"gfi", "kk"}, 1, {p, 0}},  // the same, however often that lcore takes some
      {{"i", "gki"}, 2, {p, 0}},
      {{"hE", "k"}, 1, {p, 1}},  // a buffer is found that came after a loop ended
      {{"hF", "k"}, 1, {p, 1}},
      {{"gE", "k"}, 1, {p, 1}},
      {{"gi", "gi", "k"}, 1, {p - 1, 0}},  // three lcores
      {{"gi", "gi", "k"}, 2, {p - 1, 0}},
      {{"gi", "k", "k"}, 1, {p - 1, 0}},
      {{"gi", "hE", "k"}, 1, {p - 1, 0}},
  };
}

std::vector<ShutdownPlan> shutdown_plans(unsigned p) {
  return {{{"D", "v"}, {p, 1}}, {{"D", "x"}, {p, 1}}, {{"vD", "v", "x"}, {p - 1, 0}}};
}

/// Explores all plans, until one fails. Keeps the failure, if any, and the number of orders that
/// were run.
class Search {
 public:
  template <class Plan, class Explore>
  bool through(const std::vector<Plan>& plans, Explore explore_plan) {
    for (const Plan& plan : plans) {
      const Exploration e = explore_plan(plan);
      runs_ += e.runs;
      complete_ &= e.complete;
      if (!e.failure) continue;
      failure_ =
          named(plan) + ": " + e.failure->substr(0, 500);  // an endless run's text has many pages
      return true;
    }
    return false;
  }
  void print() const { std::printf("%llu orders\n", static_cast<unsigned long long>(runs_)); }
  void expect_none() const {
    EXPECT_FALSE(failure_) << *failure_;
    EXPECT_TRUE(complete_ || failure_);
    print();
  }
  void expect_one() const {
    ASSERT_TRUE(failure_) << "a mutant lives";
    std::printf("%s\nfound in order %llu\n", failure_->c_str(),
                static_cast<unsigned long long>(runs_));
  }

 private:
  std::uint64_t runs_ = 0;
  bool complete_ = true;
  std::optional<std::string> failure_;
};

template <class F>
bool shares(Search& s, unsigned p) {
  return s.through(shares_plans(p), test::model::explore_shares<F>);
}
template <class F>
bool waiters(Search& s, unsigned p) {
  return s.through(waiters_plans(p), test::model::explore_waiters<F>);
}
template <class F>
bool caches(Search& s, unsigned p) {
  return s.through(caches_plans(p), test::model::explore_caches<F>);
}
template <class F>
bool shutdown(Search& s, unsigned p) {
  return s.through(shutdown_plans(p), test::model::explore_shutdown<F>);
}

TEST(PoolMemory, SharesAreGivenUpOnceAndNeverWhileSomebodyHoldsOne) {
  Search s;
  shares<Production>(s, bound(2));
  s.expect_none();
}

TEST(PoolMemory, WaitersAreServedInTurnAndNobodyIsStranded) {
  Search s;
  waiters<Production>(s, bound(3));
  s.expect_none();
}

TEST(PoolMemory, WhoeverKeepsTryingFindsWhatAnotherLcoreKeeps) {
  Search s;
  caches<Production>(s, bound(2));
  s.expect_none();
}

TEST(PoolMemory, HandlesOutliveTheirPool) {
  Search s;
  shutdown<Production>(s, bound(2));
  s.expect_none();
}

/// mutate.py makes the mutants of the sources. Each mutant is the production code with one line
/// changed.
#define BAB_FINDS(name, search)                                \
  struct Floor_##name {                                        \
    using AcquireBulk = mutant::name::AcquireBulk;             \
    using BufferHome = mutant::name::BufferHome;               \
    using BufferPool = mutant::name::BufferPool;               \
    using BufferPoolOptions = mutant::name::BufferPoolOptions; \
    using Packet = mutant::name::Packet;                       \
    using PacketSource = mutant::name::PacketSource;           \
    using SendPacket = mutant::name::SendPacket;               \
    using Shares = mutant::name::Shares<>;                     \
  };                                                           \
  TEST(PoolMutant, Finds_##name) {                             \
    const test::model::CrashesFail crashes_fail;               \
    Search s;                                                  \
    search<Floor_##name>(s, 2);                                \
    s.expect_one();                                            \
  }
BAB_MUTANTS(BAB_FINDS)
#undef BAB_FINDS

}  // namespace
}  // namespace bab
