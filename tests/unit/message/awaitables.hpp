#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/signal.hpp>

namespace bab::test {

/// A coroutine that belongs to no task and may be destroyed at any time.
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

/// One awaitable, of any kind.
struct Awaited {
  virtual ~Awaited() = default;
  /// Awaits this awaitable alone. Gives whether it was granted.
  virtual Task<bool> alone() = 0;
  virtual Loose loose(int& went_on) = 0;
  /// The Wait that is given to AnyOf.
  virtual Wait& wait() = 0;
  /// After AnyOf: whether this awaitable was granted.
  virtual bool got() = 0;
};

/// Any rig of awaitable_rigs.hpp, through virtual functions. A build takes a minute less than with
/// every test compiled for every rig.
struct AnyRig {
  virtual ~AnyRig() = default;
  virtual std::unique_ptr<Awaited> make() = 0;
  /// A coroutine with an awaitable among its variables.
  virtual Loose in_frame(int& went_on) = 0;
  virtual void block() = 0;
  virtual void allow() = 0;
  [[nodiscard]] virtual std::uint64_t now() const = 0;
};

template <class Rig>
class RigOf final : public AnyRig {
  using Awaitable = decltype(std::declval<Rig&>().make());
  static_assert(!std::is_move_constructible_v<Awaitable> && !std::is_move_assignable_v<Awaitable>);

  struct One final : Awaited {
    explicit One(Rig& r) : rig(r), awaitable(r.make()) {}
    Task<bool> alone() override {
      auto result = co_await awaitable;
      co_return rig.got(awaitable, std::move(result));
    }
    Loose loose(int& went_on) override {
      (void)co_await awaitable;
      ++went_on;
    }
    Wait& wait() override { return awaitable; }
    bool got() override { return rig.got(awaitable); }
    Rig& rig;
    Awaitable awaitable;
  };

 public:
  std::unique_ptr<Awaited> make() override { return std::make_unique<One>(rig_); }
  Loose in_frame(int& went_on) override {
    Awaitable awaitable = rig_.make();
    (void)co_await awaitable;
    ++went_on;
  }
  void block() override { rig_.block(); }
  void allow() override { rig_.allow(); }
  [[nodiscard]] std::uint64_t now() const override { return rig_.now; }

 private:
  Rig rig_;
};

/// `again`: awaited again after it was granted, the awaitable has to wait again. `any_thread`: a
/// thread that didn't make the awaitable may await it. `callers`: the grant belongs to the caller,
/// even if nobody took it.
struct AnyRigParam {
  const char* name;
  std::unique_ptr<AnyRig> (*make)();
  bool again;
  bool any_thread;
  bool callers;
};

template <class Rig>
AnyRigParam rig_of(const char* name) {
  return {name, []() -> std::unique_ptr<AnyRig> { return std::make_unique<RigOf<Rig>>(); },
          Rig::kAgain, Rig::kAnyThread, Rig::kCallers};
}

/// One kind of awaitable in its rig, and an lcore that is turned by hand.
struct Awaitables : testing::TestWithParam<AnyRigParam> {
  Awaitables() : rig(GetParam().make()) {
    // This task is ready before any task that a turn grants something. `then` therefore runs after
    // the grant and before the granted task goes on.
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

  void turn() { lcore.turn(rig->now()); }
  void turns() {
    for (int i = 0; i < 3; ++i) turn();
  }
  /// `running` counts the tasks that haven't ended.
  template <class What>
  void spawn(What what) {
    ++running;
    lcore.spawn([this, what]() -> Task<> {
      co_await what();
      --running;
    });
    turn();
  }
  Task<> alone(Awaited& one) {
    granted += co_await one.alone();
    outcome = one.wait().outcome();
  }
  void spawn_alone(Awaited& one) {
    spawn([this, &one] { return alone(one); });
  }
  Task<> first_of(Wait& one, Wait& or_else) { first = co_await AnyOf(one, or_else); }
  Loose loose_first_of(Wait& one, Wait& or_else) {
    (void)co_await AnyOf(one, or_else);
    ++went_on;
  }
  /// Runs `what` in a turn of the lcore.
  template <class Begin>
  void begin(Begin what) {
    spawn([what]() -> Task<> {
      what();
      co_return;
    });
  }

  /// A wait that was left behind would take this grant, and the next wait would get none.
  void expect_that_the_next_is_granted_once() {
    const int before = granted;
    const auto next = rig->make();
    spawn_alone(*next);
    rig->allow();
    turns();
    EXPECT_EQ(running, 0);
    EXPECT_EQ(granted, before + 1);
  }

  std::unique_ptr<AnyRig> rig;
  Lcore lcore;
  Signal other;
  std::function<void()> then;
  int running = 0;
  int granted = 0;
  int went_on = 0;
  Outcome outcome = Outcome::kDone;
  AnyOfBase::First first{9, Outcome::kDone};
  bool ends = false;
};

/// All kinds of awaitables. The test AwaitablesList checks that none is missing.
const std::vector<AnyRigParam>& all_awaitables();

inline std::string name_of(const testing::TestParamInfo<AnyRigParam>& info) {
  return info.param.name;
}

}  // namespace bab::test
