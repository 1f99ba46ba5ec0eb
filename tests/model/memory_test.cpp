#include "memory.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/spsc_ring.hpp>

#include "explorer.hpp"

namespace bab::test::model {
namespace {

using testing::Contains;
using testing::Not;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;
constexpr auto kSeqCst = std::memory_order_seq_cst;

struct Vars {
  std::atomic<int> x{0}, y{0}, z{0};
  int data = 0;
  std::array<int, 4> r{};
};
using Body = std::function<void(Vars&)>;

/// A litmus test: what its threads do, and all outcomes that they saw in the orders within the
/// bounds.
struct Litmus {
  Litmus(const std::vector<Body>& threads, std::set<std::array<int, 4>>& seen)
      : bodies(threads), outcomes(seen) {}
  void thread(unsigned i) { bodies[i](vars); }
  std::optional<std::string> check() {
    outcomes.insert(vars.r);
    return std::nullopt;
  }
  const std::vector<Body>& bodies;
  std::set<std::array<int, 4>>& outcomes;
  Vars vars;
  Memory::Watched watched{&vars, sizeof(vars.x) * 3 + sizeof(vars.data)};
};

struct Seen {
  std::set<std::array<int, 4>> outcomes;
  std::optional<std::string> failure;
  std::uint64_t runs;
};

Seen seen(const std::vector<Body>& threads, unsigned weak = 3, unsigned preemptions = 8) {
  Seen s;
  const Exploration e =
      explore(static_cast<unsigned>(threads.size()), scenario<Litmus>(threads, s.outcomes),
              {.preemptions = preemptions, .weak = weak});
  EXPECT_TRUE(e.failure || e.complete);
  s.failure = e.failure;
  s.runs = e.runs;
  return s;
}

using Outcome = std::array<int, 4>;

std::vector<Body> store_buffering(std::memory_order store, std::memory_order load) {
  return {[=](Vars& v) {
            v.x.store(1, store);
            v.r[0] = v.y.load(load);
          },
          [=](Vars& v) {
            v.y.store(1, store);
            v.r[1] = v.x.load(load);
          }};
}

TEST(Memory, StoreBufferingIsSeenUnlessAllIsSequentiallyConsistent) {
  const Outcome neither{0, 0, 0, 0};
  EXPECT_THAT(seen(store_buffering(kRelaxed, kRelaxed)).outcomes, Contains(neither));
  EXPECT_THAT(seen(store_buffering(kRelease, kAcquire)).outcomes, Contains(neither));
  EXPECT_THAT(seen(store_buffering(kRelease, kSeqCst)).outcomes, Contains(neither));
  EXPECT_THAT(seen(store_buffering(kSeqCst, kAcquire)).outcomes, Contains(neither));
  EXPECT_THAT(seen(store_buffering(kSeqCst, kSeqCst)).outcomes, Not(Contains(neither)));
  EXPECT_THAT(seen(store_buffering(kRelaxed, kRelaxed), 0).outcomes, Not(Contains(neither)))
      << "sequentially consistent exploration does not know it";
  EXPECT_EQ(seen(store_buffering(kSeqCst, kSeqCst)).outcomes.size(), 3U);
}

/// A read-modify-write always sees the newest value. Only a late store can pass it.
TEST(Memory, AStoreIsLateForAReadModifyWriteThatDoesNotRelease) {
  const auto threads = [](std::memory_order store, std::memory_order rmw) -> std::vector<Body> {
    return {[=](Vars& v) {
              v.x.store(1, store);
              v.r[0] = v.y.fetch_add(0, rmw);
            },
            [=](Vars& v) {
              v.y.store(1, store);
              v.r[1] = v.x.fetch_add(0, rmw);
            }};
  };
  const Outcome neither{0, 0, 0, 0};
  EXPECT_THAT(seen(threads(kRelaxed, kRelaxed)).outcomes, Contains(neither));
  EXPECT_THAT(seen(threads(kRelease, kAcquire)).outcomes, Contains(neither));
  EXPECT_THAT(seen(threads(kRelaxed, kAcqRel)).outcomes, Not(Contains(neither)));
}

TEST(Memory, AMessageIsPassedByReleaseAndAcquireOnly) {
  const auto threads = [](std::memory_order store, std::memory_order load) -> std::vector<Body> {
    return {[=](Vars& v) {
              v.x.store(1, kRelaxed);
              v.y.store(1, store);
            },
            [=](Vars& v) {
              v.r[0] = v.y.load(load);
              v.r[1] = v.x.load(kRelaxed);
            }};
  };
  const Outcome flag_without_message{1, 0, 0, 0};
  EXPECT_THAT(seen(threads(kRelaxed, kRelaxed)).outcomes, Contains(flag_without_message));
  EXPECT_THAT(seen(threads(kRelease, kRelaxed)).outcomes, Contains(flag_without_message));
  EXPECT_THAT(seen(threads(kRelaxed, kAcquire)).outcomes, Contains(flag_without_message));
  EXPECT_THAT(seen(threads(kRelease, kAcquire)).outcomes, Not(Contains(flag_without_message)));
  EXPECT_EQ(seen(threads(kRelease, kAcquire)).outcomes.size(), 3U);
}

TEST(Memory, AMessageIsPassedByFences) {
  const auto threads = [](bool release, bool acquire) -> std::vector<Body> {
    return {[=](Vars& v) {
              v.x.store(1, kRelaxed);
              if (release) std::atomic_thread_fence(kRelease);
              v.y.store(1, kRelaxed);
            },
            [=](Vars& v) {
              v.r[0] = v.y.load(kRelaxed);
              if (acquire) std::atomic_thread_fence(kAcquire);
              v.r[1] = v.x.load(kRelaxed);
            }};
  };
  const Outcome flag_without_message{1, 0, 0, 0};
  EXPECT_THAT(seen(threads(true, false)).outcomes, Contains(flag_without_message));
  EXPECT_THAT(seen(threads(false, true)).outcomes, Contains(flag_without_message));
  EXPECT_THAT(seen(threads(true, true)).outcomes, Not(Contains(flag_without_message)));
}

TEST(Memory, ALocationIsCoherent) {
  const std::vector<Body> threads{[](Vars& v) {
                                    v.x.store(1, kRelaxed);
                                    v.x.store(2, kRelaxed);
                                  },
                                  [](Vars& v) {
                                    v.r[0] = v.x.load(kRelaxed);
                                    v.r[1] = v.x.load(kRelaxed);
                                  }};
  const Seen s = seen(threads);
  for (const Outcome& o : s.outcomes) EXPECT_LE(o[0], o[1]) << "read-read coherence";
  EXPECT_EQ(s.outcomes.size(), 6U);
}

/// A thread that knows what another thread saw doesn't see an older value of the same location.
TEST(Memory, ALocationIsCoherentAcrossThreads) {
  const std::vector<Body> threads{[](Vars& v) { v.x.store(1, kRelaxed); },
                                  [](Vars& v) {
                                    v.r[0] = v.x.load(kRelaxed);
                                    v.y.store(1, kRelease);
                                  },
                                  [](Vars& v) {
                                    v.r[1] = v.y.load(kAcquire);
                                    v.r[2] = v.x.load(kRelaxed);
                                  }};
  EXPECT_THAT(seen(threads).outcomes, Not(Contains(Outcome{1, 1, 0, 0})));
}

std::vector<Body> two_readers_of_two_writers(std::memory_order order) {
  const auto store = order == kSeqCst ? kSeqCst : kRelease;
  return {[=](Vars& v) { v.x.store(1, store); }, [=](Vars& v) { v.y.store(1, store); },
          [=](Vars& v) {
            v.r[0] = v.x.load(order);
            v.r[1] = v.y.load(order);
          },
          [=](Vars& v) {
            v.r[2] = v.y.load(order);
            v.r[3] = v.x.load(order);
          }};
}

TEST(Memory, IndependentReadersDisagreeUnlessAllIsSequentiallyConsistent) {
  const Outcome disagree{1, 0, 1, 0};
  EXPECT_THAT(seen(two_readers_of_two_writers(kAcquire), 2, 2).outcomes, Contains(disagree));
  EXPECT_THAT(seen(two_readers_of_two_writers(kSeqCst), 2, 4).outcomes, Not(Contains(disagree)));
}

/// A read-modify-write in between carries the release on. A store doesn't.
TEST(Memory, AReadModifyWriteCarriesAReleaseOn) {
  const auto threads = [](bool by_rmw) -> std::vector<Body> {
    return {[=](Vars& v) {
              v.x.store(1, kRelaxed);
              v.y.store(1, kRelease);
            },
            [=](Vars& v) {
              if (v.y.load(kRelaxed) != 1) return;
              if (by_rmw)
                v.y.fetch_add(1, kRelaxed);
              else
                v.y.store(2, kRelaxed);
            },
            [=](Vars& v) {
              v.r[0] = v.y.load(kAcquire);
              v.r[1] = v.x.load(kRelaxed);
            }};
  };
  const Outcome without_message{2, 0, 0, 0};
  EXPECT_THAT(seen(threads(false)).outcomes, Contains(without_message));
  EXPECT_THAT(seen(threads(true)).outcomes, Not(Contains(without_message)));
}

TEST(Memory, AFailedExchangeMaySeeAnOlderValueAndASuccessfulOneNot) {
  const std::vector<Body> threads{[](Vars& v) { v.x.fetch_add(1, kRelaxed); },
                                  [](Vars& v) {
                                    int expected = 1;
                                    v.r[0] = v.x.compare_exchange_strong(expected, 5, kRelaxed);
                                    v.r[1] = expected;
                                  }};
  const Seen s = seen(threads);
  EXPECT_EQ(s.outcomes, (std::set<Outcome>{{0, 0, 0, 0}, {1, 1, 0, 0}}));
  const std::vector<Body> twice{[](Vars& v) { v.x.fetch_add(1, kRelaxed); },
                                [](Vars& v) {
                                  while (v.x.load(kRelaxed) != 1) Machine::wait_for_change();
                                  v.r[0] = v.x.compare_exchange_strong(v.r[1], 5, kRelaxed);
                                }};
  for (const Outcome& o : seen(twice).outcomes) EXPECT_EQ(o[0], 0) << "it has seen 1 before";
}

std::vector<Body> handed_over(std::memory_order store, std::memory_order load) {
  return {[=](Vars& v) {
            v.data = 42;
            v.x.store(1, store);
          },
          [=](Vars& v) {
            if (v.x.load(load) == 1) v.r[0] = v.data;
          }};
}

TEST(Memory, PlainDataThatIsNotHandedOverIsARace) {
  EXPECT_FALSE(seen(handed_over(kRelease, kAcquire)).failure);
  for (const auto& [store, load] :
       {std::pair{kRelaxed, kAcquire}, {kRelease, kRelaxed}, {kRelaxed, kRelaxed}}) {
    const Seen s = seen(handed_over(store, load), 0);
    ASSERT_TRUE(s.failure);
    EXPECT_THAT(*s.failure, testing::HasSubstr("race: load against a store"));
  }
}

TEST(Memory, APlainAccessBesideAtomicOnesIsARace) {
  const std::vector<Body> threads{[](Vars& v) { v.x.store(1, kRelaxed); },
                                  [](Vars& v) { v.r[0] = *reinterpret_cast<volatile int*>(&v.x); }};
  const Seen s = seen(threads, 0);
  ASSERT_TRUE(s.failure);
  EXPECT_THAT(*s.failure, testing::HasSubstr("against an atomic store"));
}

TEST(Memory, WhoWaitsSeesInTheEndWhatWasStale) {
  const std::vector<Body> threads{[](Vars& v) { v.x.store(1, kRelaxed); },
                                  [](Vars& v) {
                                    while (v.x.load(kRelaxed) == 0) Machine::wait_for_change();
                                  }};
  const Seen s = seen(threads, 5);
  EXPECT_FALSE(s.failure) << *s.failure;
}

/// DPDK's own ring, as the hand-over of frames uses it.
struct Ring {
  void thread(unsigned i) {
    if (i == 0) {
      for (int& value : values) {
        value = 1 + static_cast<int>(&value - values.data());
        int* p = &value;
        while (ring.push({&p, 1}) == 0) Machine::wait_for_change();
      }
      return;
    }
    while (got.size() < values.size()) {
      std::array<int*, 2> out;
      const std::uint64_t before = Machine::version();
      const unsigned n = ring.pop(out);
      for (unsigned k = 0; k < n; ++k) got.push_back(*out[k]);
      if (n == 0) Machine::wait_for_change(before);
    }
  }
  std::optional<std::string> check() {
    if (got == std::vector<int>{1, 2, 3}) return std::nullopt;
    return "not in order";
  }
  SpscRing<int>& ring;
  std::array<int, 3> values{};
  std::vector<int> got{};
  Memory::Watched watched{&values, sizeof values};
};

TEST(Memory, ARingHandsOverInOrderWhatWasWrittenBefore) {
  SpscRing<int> ring(1);
  const Memory::Watched watched(ring.raw(), rte_ring_get_memsize(ring.raw()->size));
  const Exploration e = explore(2, scenario<Ring>(ring), {.preemptions = 3, .weak = 1});
  EXPECT_FALSE(e.failure) << *e.failure;
  EXPECT_TRUE(e.complete);
  std::printf("%llu orders\n", static_cast<unsigned long long>(e.runs));
}

}  // namespace
}  // namespace bab::test::model
