#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rte_lcore.h>

#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/memory/buffer_pool.hpp>

namespace bab::test {

/// The calling thread acts as another lcore: with its id, its accounts and its caches.
class AsLcore {
 public:
  explicit AsLcore(unsigned lcore) : outer_(std::exchange(RTE_PER_LCORE(_lcore_id), lcore)) {}
  AsLcore(const AsLcore&) = delete;
  AsLcore& operator=(const AsLcore&) = delete;
  ~AsLcore() { RTE_PER_LCORE(_lcore_id) = outer_; }

 private:
  unsigned outer_;
};

/// What is done to a simulated run. By default nothing.
struct Disturbance {
  std::optional<std::size_t> cancel_wait;  ///< the wait with this number, from 0 …
  unsigned cancel_after = 1;               ///< … so many turns of its lcore later
  std::optional<std::uint64_t> stop_turn;  ///< request_stop() before this turn …
  std::optional<unsigned> stop_only;       ///< … on this lcore; none: on all
};

/// Several Lcores on one thread, turned by hand. A seed gives their order, and the clock is
/// virtual. Everything else is production code. Await through watch(): the machine can cancel
/// there.
class SimMachine {
 public:
  SimMachine(unsigned lcores, std::uint64_t seed, const Disturbance& disturbance = {})
      : random_(seed), disturbance_(disturbance) {
    // Ids beside the main lcore's. EAL needn't know of them: those past its own are as if they had
    // registered.
    for (unsigned i = 0; i < lcores; ++i)
      cores_.push_back(std::make_unique<Core>(*this, rte_get_main_lcore() + 1 + i));
  }
  SimMachine(const SimMachine&) = delete;
  SimMachine& operator=(const SimMachine&) = delete;

  [[nodiscard]] unsigned size() const { return static_cast<unsigned>(cores_.size()); }
  [[nodiscard]] Lcore& lcore(unsigned i) { return cores_[i]->lcore; }
  [[nodiscard]] bool runs(unsigned i) const { return cores_[i]->runs; }
  [[nodiscard]] std::uint64_t random(std::uint64_t below) { return random_() % below; }
  [[nodiscard]] std::uint64_t turns() const { return turns_; }
  [[nodiscard]] std::uint64_t turns_of(unsigned i) const { return cores_[i]->turns; }
  /// The lcore that turns, or that turned last.
  [[nodiscard]] unsigned current() const { return current_; }
  [[nodiscard]] std::size_t waits() const { return waits_; }
  [[nodiscard]] bool disturbed() const { return happened_; }
  /// The time of the last turn before this one, on the lcore that turns.
  [[nodiscard]] std::uint64_t last_now() const { return cores_[current_]->last_now; }

  template <class Make>
  void spawn(unsigned i, Make make) {
    const AsLcore as(cores_[i]->id);
    cores_[i]->lcore.spawn(std::move(make));
  }

  /// For the end of lcore i's loop: what its program then does, still on that lcore.
  void at_end(unsigned i, std::function<void()> then) { cores_[i]->at_end = std::move(then); }

  /// Called between turns.
  void after_each_turn(std::function<void()> look) { after_turn_ = std::move(look); }

  /// Turns until all tasks have ended. False: they didn't within `most_turns`.
  [[nodiscard]] bool run(std::uint64_t most_turns = 20'000) {
    while (turns_ < most_turns) {
      if (!anyone_has_tasks()) {
        for (auto& core : cores_) end(*core);
        return true;
      }
      if (disturbance_.stop_turn == turns_) {
        happened_ = true;
        for (unsigned i = 0; i < size(); ++i)
          if (disturbance_.stop_only.value_or(i) == i) cores_[i]->lcore.request_stop();
      }
      turn(next());
    }
    return false;
  }

  /// After run() gave up: ends what can be ended, so that the Lcores can be destroyed.
  void clean_up() {
    for (auto& core : cores_) core->lcore.request_stop();
    disturbance_ = {};
    if (!run(turns_ + 1000)) {
      std::fprintf(stderr, "tasks that no stop ends\n");
      std::abort();
    }
  }

  /// `co_await machine.watch(wait)`: awaits `wait`, and the machine knows of it.
  template <class W>
  [[nodiscard]] auto watch(W& wait) {
    struct Watched {
      SimMachine& machine;
      W& wait;
      bool await_ready() {
        if (wait.await_ready()) return true;
        machine.began(wait);
        return false;
      }
      void await_suspend(std::coroutine_handle<> h) { wait.await_suspend(h); }
      decltype(auto) await_resume() {
        machine.ended(wait);
        return wait.await_resume();
      }
    };
    return Watched{*this, wait};
  }

  /// The same for AnyOf(a, b).
  [[nodiscard]] auto watch_first(Wait& a, Wait& b) {
    struct Watched {
      SimMachine& machine;
      Wait& a;
      Wait& b;
      AnyOf<2> any{a, b};
      bool await_ready() {
        if (any.await_ready()) return true;
        machine.began(a);
        machine.began(b);
        return false;
      }
      void await_suspend(std::coroutine_handle<> h) { any.await_suspend(h); }
      AnyOfBase::First await_resume() {
        machine.ended(a);
        machine.ended(b);
        return any.await_resume();
      }
    };
    return Watched{*this, a, b};
  }

 private:
  struct Core {
    Core(SimMachine& m, unsigned lcore_id) : machine(m), id(lcore_id) { lcore.add(*this); }
    unsigned poll(std::uint64_t) { return machine.cancel_if_due(*this); }

    SimMachine& machine;
    unsigned id;
    Lcore lcore;
    std::uint64_t last_now = 0;
    std::uint64_t turns = 0;
    std::uint64_t stalled_until = 0;
    bool runs = true;
    std::function<void()> at_end;
  };

  void began(Wait& wait) {
    if (disturbance_.cancel_wait == waits_++) {
      doomed_ = &wait;
      doomed_core_ = cores_[current_].get();
      doomed_in_ = disturbance_.cancel_after;
    }
  }
  void ended(Wait& wait) {
    if (doomed_ == &wait) doomed_ = nullptr;
  }
  unsigned cancel_if_due(Core& core) {
    if (doomed_ == nullptr || doomed_core_ != &core || --doomed_in_ > 0) return 0;
    happened_ = doomed_->waiting();
    std::exchange(doomed_, nullptr)->cancel();
    return 1;
  }

  [[nodiscard]] bool anyone_has_tasks() const {
    return std::any_of(cores_.begin(), cores_.end(),
                       [](const auto& core) { return core->lcore.tasks() > 0; });
  }

  /// Now and then an lcore stands still for many turns of the others, as one that floats does.
  unsigned next() {
    if (random(64) == 0) cores_[random(size())]->stalled_until = turns_ + random(60);
    for (int tries = 0; tries < 8; ++tries) {
      const auto i = static_cast<unsigned>(random(size()));
      if (cores_[i]->runs && cores_[i]->stalled_until <= turns_) return i;
    }
    unsigned i;
    do i = static_cast<unsigned>(random(size()));
    while (!cores_[i]->runs);
    return i;
  }

  void turn(unsigned i) {
    Core& core = *cores_[i];
    current_ = i;
    ++turns_;
    now_ += random(40);
    {
      const AsLcore as(core.id);
      core.lcore.turn(now_);
    }
    core.last_now = now_;
    ++core.turns;
    if (core.lcore.stop_requested() && core.lcore.tasks() == 0) end(core);
    if (after_turn_) after_turn_();
  }

  /// Does what Lcore::run() does at its end.
  void end(Core& core) {
    if (!std::exchange(core.runs, false)) return;
    const AsLcore as(core.id);
    if (core.at_end) core.at_end();
    BufferPool::empty_caches();
  }

  std::mt19937_64 random_;
  Disturbance disturbance_;
  std::vector<std::unique_ptr<Core>> cores_;
  std::function<void()> after_turn_;
  std::uint64_t now_ = 1;
  std::uint64_t turns_ = 0;
  std::size_t waits_ = 0;
  unsigned current_ = 0;
  bool happened_ = false;
  Wait* doomed_ = nullptr;
  Core* doomed_core_ = nullptr;
  unsigned doomed_in_ = 0;
};

}  // namespace bab::test
