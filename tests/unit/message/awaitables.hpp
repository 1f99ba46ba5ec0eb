#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <utility>

#include <gtest/gtest.h>

#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/signal.hpp>

#include "awaitable_rigs.hpp"

namespace bab::test {

/// A coroutine of nobody's that can go at any time.
class Loose {
 public:
  struct promise_type {
    Loose get_return_object() noexcept {
      return Loose(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
  Loose() noexcept = default;
  Loose(Loose&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Loose& operator=(Loose&& other) noexcept {
    const Loose before(std::move(*this));
    handle_ = std::exchange(other.handle_, nullptr);
    return *this;
  }
  ~Loose() {
    if (handle_) handle_.destroy();
  }

 private:
  explicit Loose(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_ = nullptr;
};

/// One kind of awaitable in its rig, and an lcore that is turned by hand.
template <class Rig>
struct Awaitables : testing::Test {
  using Awaitable = decltype(std::declval<Rig&>().make());

  Awaitables() {
    // Ready before anything that a turn grants: what `then` does is between a grant and its task's going on.
    lcore.spawn([this]() -> Task<> {
      while (!ends) {
        if (then) std::exchange(then, nullptr)();
        co_await Yield();
      }
    });
    turn();
  }
  ~Awaitables() override {
    ends = true;
    lcore.request_stop();
    for (int i = 0; i < 4; ++i) turn();
    EXPECT_EQ(lcore.tasks(), 0U) << "a task that no stop ends";
  }

  void turn() { lcore.turn(rig.now); }
  void turns() {
    for (int i = 0; i < 3; ++i) turn();
  }
  /// `what(awaitable)` is a task, of which `running` tells whether it has ended.
  template <class What>
  void spawn(What what) {
    ++running;
    lcore.spawn([this, what]() -> Task<> {
      co_await what();
      --running;
    });
    turn();
  }
  Task<> alone(Awaitable& w) {
    auto result = co_await w;
    granted += rig.got(w, std::move(result));
    outcome = wait(w).outcome();
  }
  void spawn_alone(Awaitable& w) {
    spawn([this, &w] { return alone(w); });
  }
  Task<> first_of(Awaitable& w, Wait& or_else) { first = co_await AnyOf(w, or_else); }
  static Wait& wait(Awaitable& w) { return w; }

  /// What still waited there, or was left there, would take this one's grant.
  void expect_that_the_next_is_granted_once() {
    const int before = granted;
    spawn([this]() -> Task<> {
      Awaitable w = rig.make();
      co_await alone(w);
    });
    rig.allow();
    turns();
    EXPECT_EQ(running, 0);
    EXPECT_EQ(granted, before + 1);
  }

  /// One that outlives its await.
  struct Own {
    explicit Own(Rig& rig) : w(rig.make()) {}
    Awaitable w;
  };

  Rig rig;
  Lcore lcore;
  Signal other;
  std::function<void()> then;
  int running = 0;
  int granted = 0;
  Outcome outcome = Outcome::kDone;
  AnyOfBase::First first{9, Outcome::kDone};
  bool ends = false;
};

/// All of them: AwaitablesList checks that.
using AwaitableRigs =
    testing::Types<AcquireRig, BulkRig, WriteRig, NextBufferRig, ReserveRig<LocalBench>,
                   ReserveRig<NoFlushBench>, ReserveRig<ProducerBench>, ReserveRig<AnyBench>,
                   FlushRig<LocalFlusher>, FlushRig<ProducerFlusher>, FlushRig<AnyFlusher>,
                   SendRig<rte_mbuf*, rte_mbuf*>, SendRig<SendPacket, SendPacket>,
                   SendRig<SendPacket, Packet>, ReceiveRig<rte_mbuf*>, ReceiveRig<SendPacket>,
                   SignalRig, SleepRig>;

}  // namespace bab::test
