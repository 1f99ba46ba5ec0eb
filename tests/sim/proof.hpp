#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bab/detail/sanitizers.hpp>
#include <bab/memory/buffer_pool.hpp>

#include "seed.hpp"
#include "sim_machine.hpp"

namespace bab::test {

/// A scenario's constructor gets (machine, pool) and spawns the tasks. When all tasks have ended,
/// check(undisturbed) tests what must hold.
class Proof {
 public:
  /// Buffers that are in use now stay in use in all runs.
  explicit Proof(BufferPool& pool, unsigned lcores = 3)
      : pool_(pool), lcores_(lcores), aside_(pool.in_use()) {}
  ~Proof() {
    std::printf("%zu runs, %zu of them cancelled at an await, %zu stopped\n", runs_, cancelled_,
                stopped_);
  }

  /// Runs the scenario for several seeds. For each seed it runs undisturbed, then with a
  /// cancellation at each await, then with a stop of one lcore, and of all, at each turn or at
  /// `stops` of them.
  template <class Scenario>
  void of(unsigned seeds = 10, std::uint64_t stops = 256) {
    std::mt19937_64 next(printed_seed());
#if defined(BAB_ASAN) || defined(BAB_TSAN)
    seeds = 1;  // sanitizers find their faults in any run
#endif
    if (std::getenv("BAB_LONG") != nullptr) seeds *= 50;
    for (unsigned i = 0; i < seeds && !testing::Test::HasFailure(); ++i)
      of_seed<Scenario>(next(), stops);
  }

 private:
  struct Length {
    std::size_t waits;
    std::uint64_t turns;
  };

  template <class Scenario>
  void of_seed(std::uint64_t seed, std::uint64_t stops) {
    const Length plain = run<Scenario>(seed, {});
    Disturbance d;
    for (d.cancel_after = 1; d.cancel_after <= 2; ++d.cancel_after)
      for (std::size_t k = 0; k < plain.waits && !testing::Test::HasFailure(); ++k) {
        d.cancel_wait = k;
        run<Scenario>(seed, d);
        ++cancelled_;
      }
    d = {};
    // Late stops in a long run are much alike: only about `stops` turns are tried.
    const std::uint64_t step = 1 + plain.turns / stops;
    for (std::uint64_t t = 0; t < plain.turns && !testing::Test::HasFailure(); t += step) {
      d.stop_turn = t;
      d.stop_only.reset();
      run<Scenario>(seed, d);
      d.stop_only = static_cast<unsigned>(t / step % lcores_);
      run<Scenario>(seed, d);
      stopped_ += 2;
    }
  }

  template <class Scenario>
  Length run(std::uint64_t seed, const Disturbance& d) {
    const testing::ScopedTrace trace(
        __FILE__, __LINE__,
        fmt::format("seed {}{}{}{}", seed,
                    d.cancel_wait ? fmt::format(", wait {} cancelled in turn {} after it began",
                                                *d.cancel_wait, d.cancel_after)
                                  : "",
                    d.stop_turn ? fmt::format(", stop at turn {}", *d.stop_turn) : "",
                    d.stop_only ? fmt::format(" of lcore {} only", *d.stop_only) : ""));
    ++runs_;
    SimMachine machine(lcores_, seed, d);
    {
      Scenario scenario(machine, pool_);
      if (!machine.run()) {
        ADD_FAILURE() << "hangs; buffers in use: " << pool_.in_use()
                      << ", waiting: " << pool_.stats().waiting;
        machine.clean_up();
      } else {
        scenario.check(!machine.disturbed());
      }
    }
    EXPECT_EQ(pool_.in_use(), aside_) << "the pool is not full again";
    EXPECT_EQ(pool_.stats().waiting, 0U);
    EXPECT_TRUE(pool_.stats().cached.empty());
    return {machine.waits(), machine.turns()};
  }

  BufferPool& pool_;
  unsigned lcores_;
  std::uint32_t aside_;
  std::size_t runs_ = 0, cancelled_ = 0, stopped_ = 0;
};

}  // namespace bab::test
