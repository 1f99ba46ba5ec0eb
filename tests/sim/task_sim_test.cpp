#include <array>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include <bab/lcore/acquire.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/signal.hpp>

#include "full_pool.hpp"
#include "proof.hpp"
#include "sim_machine.hpp"

namespace bab {
namespace {

using test::SimMachine;

/// Tasks on all lcores wait for every Signal of a tree. One task notifies these Signals in turn.
struct SignalTree {
  SignalTree(SimMachine& m, BufferPool&) : machine(m) {
    for (unsigned i = 0; i < m.size(); ++i)
      for (std::size_t s = 0; s < signals.size(); ++s) {
        m.spawn(i, [this, s] { return wait_for(s); });
      }
    m.spawn(1, [this] { return notify(); });
  }

  Task<> notify() {
    for (std::size_t n = 0; n < kTimes * signals.size(); ++n) {
      Sleep sleep(Lcore::current()->now() + machine.random(100));
      (void)co_await machine.watch(sleep);
      const std::size_t s = n % signals.size();
      signals[s]->notify();
      for (std::size_t other = 0; other < signals.size(); ++other)
        if (kHears[other][s]) ++told[other];
    }
  }

  Task<> wait_for(std::size_t s) {
    std::uint64_t seen = 0;
    while (seen < expected(s)) {
      EXPECT_EQ(signals[s]->seen(), told[s]);
      SignalWait wait = signals[s]->wait(seen);
      const Outcome outcome = co_await machine.watch(wait);
      if (outcome == Outcome::kDone) {
        EXPECT_GT(signals[s]->seen(), seen) << "woken by nothing";
        ++woken;
      } else if (Lcore::current()->stop_requested()) {
        co_return;
      }
      seen = signals[s]->seen();
    }
    ++finished;
  }

  static std::uint64_t expected(std::size_t s) {
    std::uint64_t sum = 0;
    for (bool hears : kHears[s]) sum += hears ? kTimes : 0;
    return sum;
  }

  void check(bool undisturbed) const {
    if (undisturbed) {
      EXPECT_EQ(finished, machine.size() * signals.size());
    }
    EXPECT_TRUE(machine.disturbed() || woken > finished);
  }

  static constexpr std::uint64_t kTimes = 3;
  static constexpr bool kHears[4][4] = {
      {true, false, false, false},  // root
      {true, true, false, false},   // left
      {true, false, true, false},   // right
      {true, true, false, true},    // below left
  };
  SimMachine& machine;
  Signal root;
  Signal left{&root}, right{&root};
  Signal below{&left};
  std::array<Signal*, 4> signals{&root, &left, &right, &below};
  std::array<std::uint64_t, 4> told{};
  std::size_t woken = 0, finished = 0;
};

/// Many timers and yields on each lcore. No timer ends early or a turn late, and tasks that yield
/// get equal shares. One task of each lcore would sleep for ever. The last one of the other tasks
/// stops the lcore, and the stop ends that sleep, too.
struct Sleepers {
  Sleepers(SimMachine& m, BufferPool&) : machine(m) {
    for (unsigned i = 0; i < m.size(); ++i) {
      m.spawn(i, [this] { return sleep_for_ever(); });
      for (int task = 0; task < 7; ++task) m.spawn(i, [this, i] { return sleep(left[i]); });
      for (std::size_t task = 0; task < 2; ++task)
        m.spawn(i, [this, i, task] { return yield(shares[i], task, left[i]); });
    }
  }

  Task<> sleep_for_ever() {
    Outcome outcome = Outcome::kDone;
    do {
      Sleep sleep(std::numeric_limits<std::uint64_t>::max());
      outcome = co_await machine.watch(sleep);
      EXPECT_EQ(outcome, Outcome::kCancelled);
    } while (!Lcore::current()->stop_requested());
    // A sleep that begins after the stop ends, too.
    Sleep again(std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(co_await machine.watch(again), Outcome::kCancelled);
  }

  static void one_less(int& others) {
    if (--others == 0) Lcore::current()->request_stop();
  }

  Task<> sleep(int& others) {
    for (int round = 0; round < 4; ++round) {
      const Lcore& lcore = *Lcore::current();
      const std::uint64_t began = lcore.now();
      const std::uint64_t deadline = began + machine.random(400);
      Sleep sleep(deadline);
      const Outcome outcome = co_await machine.watch(sleep);
      if (outcome == Outcome::kDone) {
        EXPECT_GE(lcore.now(), deadline);
        EXPECT_TRUE(lcore.now() == began || machine.last_now() < deadline) << "a turn late";
        ++slept;
      }
    }
    one_less(others);
  }

  Task<> yield(std::array<int, 2>& share, std::size_t task, int& others) {
    for (int i = 0; i < 10; ++i) {
      ++share[task];
      EXPECT_LE(std::abs(share[0] - share[1]), 1);
      co_await Yield();
    }
    one_less(others);
  }

  void check(bool undisturbed) const {
    if (undisturbed) {
      EXPECT_EQ(slept, static_cast<int>(machine.size()) * 7 * 4);
    }
    for (const auto& share : shares) EXPECT_EQ(share, (std::array<int, 2>{10, 10}));
  }

  SimMachine& machine;
  std::array<std::array<int, 2>, 3> shares{};
  std::array<int, 3> left{9, 9, 9};  // tasks that don't sleep for ever
  int slept = 0;
};

/// A buffer that is released however its scope is left.
class Held {
 public:
  explicit Held(rte_mbuf* m) : m_(m) {}
  Held(Held&& other) noexcept : m_(std::exchange(other.m_, nullptr)) {}
  ~Held() {
    if (m_ != nullptr) BufferPool::release(m_);
  }
  explicit operator bool() const { return m_ != nullptr; }

 private:
  rte_mbuf* m_;
};

/// Tasks in Tasks that wait at every depth and throw at some. What they hold is given up on the
/// way, and the exception arrives. An exception that nobody catches stops its own lcore and no
/// other.
struct Nested {
  struct Failure : std::runtime_error {
    using runtime_error::runtime_error;
  };

  Nested(SimMachine& m, BufferPool& p) : machine(m), pool(p) {
    for (unsigned i = 0; i < m.size(); ++i)
      for (int task = 0; task < 3; ++task) m.spawn(i, [this, task] { return work(task); });
    m.spawn(2, [this] { return uncaught(); });
  }

  Task<Held> acquire() {
    Acquire one = pool.acquire();
    co_return Held(co_await machine.watch(one));
  }

  Task<int> deep(int depth, bool fail) {
    Held held = co_await acquire();
    if (!held) throw Failure("cancelled");
    Sleep sleep(Lcore::current()->now() + machine.random(50));
    if (co_await machine.watch(sleep) != Outcome::kDone) throw Failure("cancelled");
    if (depth == 0) {
      if (fail) throw Failure("deep");
      co_return 0;
    }
    { const Held given_back = std::move(held); }
    co_return co_await deep(depth - 1, fail) + 1;
  }

  Task<> work(int task) {
    for (int round = 0; round < 3; ++round) {
      const bool fail = (task + round) % 2 == 0;
      try {
        const int depth = co_await deep(task, fail);
        EXPECT_EQ(depth, task);
        EXPECT_FALSE(fail);
        ++returned;
      } catch (const Failure& e) {
        if (std::string_view(e.what()) == "deep") {
          EXPECT_TRUE(fail);
          ++caught;
        } else {
          ++cancelled;
        }
      }
    }
  }

  Task<> uncaught() {
    Sleep sleep(500);
    (void)co_await machine.watch(sleep);
    const Held held = co_await acquire();
    throw Failure("nobody's");
  }

  void check(bool) {
    EXPECT_EQ(returned + caught + cancelled, 27);
    EXPECT_THROW(machine.lcore(2).rethrow(), Failure);
    EXPECT_NO_THROW(machine.lcore(2).rethrow());
    for (unsigned i : {0U, 1U}) EXPECT_NO_THROW(machine.lcore(i).rethrow());
    EXPECT_TRUE(machine.lcore(2).stop_requested());
    if (!machine.disturbed()) {
      EXPECT_FALSE(machine.lcore(0).stop_requested());
    }
  }

  SimMachine& machine;
  BufferPool& pool;
  int returned = 0, caught = 0, cancelled = 0;
};

TEST(TaskSim, TreeOfSignals) {
  test::FullPool pool(2);
  test::Proof(pool).of<SignalTree>();
}

TEST(TaskSim, SleepsAndYields) {
  test::FullPool pool(2);
  test::Proof(pool).of<Sleepers>();
}

TEST(TaskSim, NestedTasksAndExceptions) {
  for (std::uint32_t cache : {0U, 2U}) {
    test::FullPool pool(test::small_pool(3, cache));
    test::Proof(pool).of<Nested>();
  }
}

}  // namespace
}  // namespace bab
