#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/acquire.hpp>

#include "sim_machine.hpp"

namespace bab::test {

/// The acquires that wait for a pool, in the order in which the waits began. Checks that no acquire
/// overtakes another, on any lcore, and that no later call gets a buffer first.
class GrantLine {
 public:
  GrantLine(SimMachine& machine, BufferPool& pool) : machine_(machine), pool_(pool) {}

  /// `co_await line.watch(acquire)`, like machine.watch().
  template <class A>
  [[nodiscard]] auto watch(A& acquire) {
    struct Watched {
      GrantLine& line;
      A& acquire;
      decltype(line.machine_.watch(acquire)) inner{line.machine_.watch(acquire)};
      bool await_ready() {
        const bool free_line = !line.anyone_waits();
        if (!inner.await_ready()) {
          line.join(acquire);
          return false;
        }
        if (acquire.outcome() == Outcome::kDone) {
          EXPECT_TRUE(free_line) << "an acquire barged in";
        }
        return true;
      }
      void await_suspend(std::coroutine_handle<> h) { inner.await_suspend(h); }
      decltype(auto) await_resume() {
        line.leave(acquire);
        return inner.await_resume();
      }
    };
    return Watched{*this, acquire};
  }

  rte_mbuf* try_acquire() {
    const bool free_line = !anyone_waits();
    rte_mbuf* m = pool_.try_acquire();
    if (m != nullptr) {
      EXPECT_TRUE(free_line) << "try_acquire barged in";
    }
    return m;
  }

 private:
  struct Place {
    const Wait* wait;
    std::uint64_t ahead;   // places ahead of it when it joined
    std::uint64_t grants;  // grants up to then
  };

  [[nodiscard]] bool anyone_waits() const {
    return std::any_of(places_.begin(), places_.end(),
                       [](const Place& p) { return p.wait->waiting(); });
  }

  void join(const Wait& wait) { places_.push_back({&wait, places_.size(), grants_}); }

  void leave(const Wait& wait) {
    const auto at = std::find_if(places_.begin(), places_.end(),
                                 [&](const Place& p) { return p.wait == &wait; });
    if (at == places_.end()) return;  // never waited
    if (wait.outcome() == Outcome::kDone) {
      EXPECT_TRUE(std::none_of(places_.begin(), at, [](const Place& p) {
        return p.wait->waiting();
      })) << "a waiter was overtaken";
      const std::uint64_t others = grants_ - at->grants;
      EXPECT_LE(others, at->ahead) << "more were served meanwhile than stood before it";
      ++grants_;
    }
    places_.erase(at);
  }

  SimMachine& machine_;
  BufferPool& pool_;
  std::vector<Place> places_;
  std::uint64_t grants_ = 0;  // to acquires that had to wait
};

}  // namespace bab::test
